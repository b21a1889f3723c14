#include "agent/session/identity.hpp"

#include "agent/paths.hpp"
#include "agent/state/set_aside.hpp"

namespace muster {
namespace {

std::string enrolment_folder() {
  return std::string(paths::identities) + "/enrolment";
}

std::string last_part(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

std::string Identity::cluster() const {
  const auto units = certificate.organizational_units();
  return units.empty() ? std::string() : units.front();
}

Result<std::optional<Identity>> load_identity(const Filesystem& files) {
  const auto pem = files.read(paths::identity_certificate);
  const auto key_pem = files.read(paths::identity_key);
  const auto is_absent = [](const Result<std::string>& text) {
    return !text && text.error().kind == ErrorKind::not_found;
  };
  if (is_absent(pem) && is_absent(key_pem)) return std::optional<Identity>();
  const auto damaged = [](const char* path, std::string_view why) {
    return fail(ErrorKind::corrupt, fmt::format("{}: {}", path, why));
  };
  if (!pem) return damaged(paths::identity_certificate, pem.error().message);
  if (!key_pem) return damaged(paths::identity_key, key_pem.error().message);
  auto certificate = Certificate::from_pem(*pem);
  auto key = PrivateKey::from_pem(*key_pem);
  if (!certificate) return damaged(paths::identity_certificate, certificate.error().message);
  if (!key) return damaged(paths::identity_key, key.error().message);
  if (!certificate->matches(*key))
    return damaged(paths::identity, "key and certificate do not belong together");
  return Identity{*key, *certificate, *pem};
}

Result<std::string> put_identity_back(Filesystem& files) {
  const auto link = files.status(paths::identity);
  const bool is_link = link && link->type == FileStatus::Type::link;
  if (is_link && files.status(link->link_target)) return std::string();
  std::optional<Certificate> newest;
  std::string newest_folder;
  const auto names = files.list(paths::identities);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string folder = std::string(paths::identities) + "/" + (*names)[i];
    const auto pem = files.read(folder + "/certificate.pem");
    auto certificate = pem ? Certificate::from_pem(*pem) : pass(pem.error());
    if (!certificate || (newest && certificate->not_before() < newest->not_before())) continue;
    newest = *certificate;
    newest_folder = folder;
  }
  if (!newest) return std::string();
  const auto key_pem = files.read(newest_folder + "/key.pem");
  const auto key = key_pem ? PrivateKey::from_pem(*key_pem) : pass(key_pem.error());
  if (!key || !newest->matches(*key)) return std::string();
  if (link && !is_link) {
    if (auto aside = set_aside(files, paths::identity); !aside) return pass(aside.error());
  }
  if (auto linked = files.link(paths::identity, newest_folder); !linked)
    return pass(linked.error());
  return newest_folder;
}

Result<PrivateKey> key_for_enrolment(Filesystem& files) {
  const std::string path = paths::enrolment_key;
  if (const auto pem = files.read(path)) {
    if (auto key = PrivateKey::from_pem(*pem)) return key;
  }
  auto key = PrivateKey::generate_p256();
  if (!key) return key;
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made)
    return pass(made.error());
  for (const std::string& folder : {std::string(paths::identities), enrolment_folder()}) {
    if (auto made = files.make_directory(folder, 0700); !made) return pass(made.error());
  }
  if (auto wrote = files.write(path, key->pem(), 0600); !wrote) return pass(wrote.error());
  return key;
}

Result<Identity> keep_identity(Filesystem& files, const PrivateKey& key,
                               const std::string& certificate_pem) {
  auto certificate = Certificate::from_pem(certificate_pem);
  if (!certificate) return while_doing(certificate.error(), "identity certificate");
  if (!certificate->matches(key)) {
    return fail(ErrorKind::corrupt,
                "identity certificate: expected one for the key that was sent, found another's");
  }
  const std::string folder = std::string(paths::identities) + "/" + certificate->serial();
  if (auto made = files.make_directory(paths::identities, 0700); !made) return pass(made.error());
  if (auto made = files.make_directory(folder, 0700); !made) return pass(made.error());
  if (auto wrote = files.write(folder + "/key.pem", key.pem(), 0600); !wrote) {
    return pass(wrote.error());
  }
  if (auto wrote = files.write(folder + "/certificate.pem", certificate_pem, 0600); !wrote) {
    return pass(wrote.error());
  }
  const auto before = files.status(paths::identity);
  if (before && before->type != FileStatus::Type::link) {
    if (auto aside = set_aside(files, paths::identity); !aside) return pass(aside.error());
  }
  if (auto linked = files.link(paths::identity, folder); !linked) return pass(linked.error());
  const auto names = files.list(paths::identities);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const bool is_kept =
        name == certificate->serial() || (before && name == last_part(before->link_target));
    // A leftover costs nothing but space.
    if (!is_kept) {
      static_cast<void>(files.remove(std::string(paths::identities) + "/" + name));
    }
  }
  return Identity{key, *certificate, certificate_pem};
}

TlsClientSettings tls_of(const Identity& identity, const std::vector<std::string>& authorities) {
  TlsClientSettings tls;
  for (const auto& pem : authorities) tls.authorities_pem += pem + "\n";
  tls.certificate_pem = identity.certificate_pem;
  tls.key_pem = identity.key.pem();
  return tls;
}

}  // namespace muster
