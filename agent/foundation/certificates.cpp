#include "agent/foundation/certificates.hpp"

#include "agent/paths.hpp"
#include "agent/state/set_aside.hpp"
#include "document/field_syntax.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::string_view bootstrap_admin = "bootstrap-admin";

std::string folder_of(const CertificateSpec& spec) {
  return std::string(paths::certificates) + "/" + spec.name;
}

// What the server makes the certificate from: another digest, another certificate. Whose the key is
// on the machine is nothing to the server; certificates of before etcd had a user have "root"
// there.
std::string digest_of(const CertificateSpec& spec) {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", spec.authority, spec.common_name,
                  fmt::join(spec.organizations, ","), fmt::join(spec.dns_names, ","),
                  fmt::join(spec.ip_addresses, ","), spec.lifetime.count(), "root", spec.mode);
  for (const auto usage : spec.usages) text += usage == CertificateUsage::client ? "c" : "s";
  return sha256_digest(text);
}

std::string trusted(const CertificateSpec& spec, const Authorities& authorities) {
  std::string text;
  const auto found = authorities.find(spec.authority);
  if (found == authorities.end()) return text;
  for (const auto& pem : found->second) {
    text += pem;
    if (!text.empty() && text.back() != '\n') text += "\n";
  }
  return text;
}

struct Pending {
  const CertificateSpec* spec;
  PrivateKey key;
};

Result<std::vector<Pending>> make_keys(const std::vector<CertificateSpec>& specs,
                                       std::vector<MetadataClient::CertificateQuery>& queries) {
  std::vector<Pending> pending;
  for (const auto& spec : specs) {
    auto key = PrivateKey::generate_p256();
    if (!key) return pass(key.error());
    auto request = CertificateRequest::create(*key, spec.common_name);
    if (!request) return while_doing(request.error(), fmt::format("certificate '{}'", spec.name));
    queries.push_back({spec.name, request->pem()});
    pending.push_back({&spec, *key});
  }
  return pending;
}

const IssuedCertificate* find(const std::vector<IssuedCertificate>& issued,
                              const std::string& wanted) {
  for (const auto& one : issued) {
    if (one.name == wanted) return &one;
  }
  return nullptr;
}

// Other versions than the current and the one before it.
void prune(Filesystem& files, const CertificateSpec& spec, const std::string& current,
           const std::string& before) {
  const auto names = files.list(folder_of(spec));
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string path = folder_of(spec) + "/" + (*names)[i];
    if (path != current && path != before) static_cast<void>(files.remove(path));
  }
}

Result<void> put(Filesystem& files, const Pending& pending, const IssuedCertificate& issued,
                 const Authorities& authorities, TimePoint now) {
  const CertificateSpec& spec = *pending.spec;
  auto certificate = Certificate::from_pem(issued.certificate_pem);
  if (!certificate) return pass(certificate.error());
  if (!certificate->matches(pending.key)) {
    return fail(ErrorKind::corrupt, "expected one for the key that was sent, found another's");
  }
  if (certificate->not_before() > now) {
    return fail(ErrorKind::invalid,
                "by this machine's clock it is not valid yet; the one before is kept");
  }
  const std::string folder = folder_of(spec) + "/" + certificate->serial();
  if (auto made = files.make_directory(paths::certificates, 0755); !made) return made;
  if (auto made = files.make_directory(folder_of(spec), 0755); !made) return made;
  if (auto made = files.make_directory(folder, 0755); !made) return made;
  struct Part {
    const char* name;
    std::string content;
    std::uint32_t mode;
  };
  for (const auto& part : {Part{"tls.key", pending.key.pem(), file_mode(spec.mode)},
                           Part{"tls.crt", issued.certificate_pem, 0644u},
                           Part{"ca.crt", trusted(spec, authorities), 0644u},
                           Part{"specification", digest_of(spec), 0644u}}) {
    const std::string owner = part.mode == 0644u ? "root" : spec.owner;
    if (auto wrote = files.write(folder + "/" + part.name, part.content, part.mode, owner);
        !wrote) {
      return wrote;
    }
  }
  const std::string before = current_version(files, spec);
  const std::string parent = spec.path.substr(0, spec.path.find_last_of('/'));
  if (auto made = files.make_directory(parent, 0755); !made) return made;
  if (auto room = make_room_for_file(files, spec.path); !room) return room;
  if (auto linked = files.link(spec.path, folder); !linked) return linked;
  prune(files, spec, folder, before);
  return {};
}

}  // namespace

std::string reason_to_obtain(const Filesystem& files, const CertificateSpec& spec,
                             const Authorities& authorities, TimePoint now) {
  const auto pem = files.read(spec.path + "/tls.crt");
  const auto key_pem = files.read(spec.path + "/tls.key");
  const auto specification = files.read(spec.path + "/specification");
  if (!pem || !key_pem || !specification) return "missing";
  const auto certificate = Certificate::from_pem(*pem);
  const auto key = PrivateKey::from_pem(*key_pem);
  if (!certificate || !key || !certificate->matches(*key)) return "damaged";
  // The folder has the serial of what the server issued into it.
  if (current_version(files, spec) != folder_of(spec) + "/" + certificate->serial()) {
    return std::string(not_issued);
  }
  if (*specification != digest_of(spec)) return std::string(specification_changed);
  const auto authority = files.read(spec.path + "/ca.crt");
  if (!authority || *authority != trusted(spec, authorities)) return "its authority changed";
  if (spec.name == bootstrap_admin) return {};
  return is_due_for_renewal(*certificate, now) ? "half of its lifetime has passed" : std::string();
}

bool may_wait(const Filesystem& files, const CertificateSpec& spec, const Authorities& authorities,
              TimePoint now) {
  const auto pem = files.read(spec.path + "/tls.crt");
  if (!pem) return false;
  const auto certificate = Certificate::from_pem(*pem);
  if (!certificate || certificate->not_after() <= now) return false;
  // At the start of its life no renewal is due: what is a reason then is another one.
  const auto reason = reason_to_obtain(files, spec, authorities, certificate->not_before());
  return reason.empty() || reason == not_issued;
}

std::string current_version(const Filesystem& files, const CertificateSpec& spec) {
  const auto status = files.status(spec.path);
  return status ? status->link_target : std::string();
}

Result<void> obtain(Filesystem& files, Server& server, const std::vector<CertificateSpec>& specs,
                    const Authorities& authorities, TimePoint now) {
  std::vector<MetadataClient::CertificateQuery> queries;
  auto pending = make_keys(specs, queries);
  if (!pending) return pass(pending.error());
  auto issued = server.certificates(queries);
  if (!issued) return pass(issued.error());
  for (const auto& one : *pending) {
    const std::string where = fmt::format("certificate '{}'", one.spec->name);
    const auto* found = find(*issued, one.spec->name);
    if (found == nullptr) {
      return fail(ErrorKind::corrupt, where + ": asked for it, the server's answer has none");
    }
    if (auto done = put(files, one, *found, authorities, now); !done) {
      return while_doing(done.error(), where);
    }
  }
  return {};
}

}  // namespace muster
