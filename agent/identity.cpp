#include "agent/identity.hpp"

#include "agent/paths.hpp"

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
  if (!pem && pem.error().kind == ErrorKind::not_found) return std::optional<Identity>();
  if (!pem) return pass(pem.error());
  const auto key_pem = files.read(paths::identity_key);
  if (!key_pem) return pass(key_pem.error());
  auto certificate = Certificate::from_pem(*pem);
  auto key = PrivateKey::from_pem(*key_pem);
  const auto damaged = [](std::string_view why) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "{}: {}; to enrol anew: rm -r {} {}, and on the server `muster node replace NAME`",
            paths::identity, why, paths::identity, paths::identities));
  };
  if (!certificate) return damaged(certificate.error().message);
  if (!key) return damaged(key.error().message);
  if (!certificate->matches(*key)) return damaged("key and certificate do not belong together");
  return Identity{*key, *certificate, *pem};
}

Result<PrivateKey> key_for_enrolment(Filesystem& files) {
  const std::string path = enrolment_folder() + "/key.pem";
  if (const auto pem = files.read(path)) {
    if (auto key = PrivateKey::from_pem(*pem)) return key;
  }
  auto key = PrivateKey::generate_p256();
  if (!key) return key;
  for (const std::string& folder :
       {std::string(paths::state), std::string(paths::identities), enrolment_folder()}) {
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
