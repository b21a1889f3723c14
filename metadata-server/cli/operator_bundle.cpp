#include "cli/operator_bundle.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/answer.hpp"
#include "cli/text_file.hpp"
#include "document/strict_json.hpp"
#include "document/trust_list.hpp"
#include "pki/certificate.hpp"
#include "pki/key_file.hpp"

namespace muster {
namespace {

Result<PrivateKey> key_in(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) return read_key_file(path);
  auto key = PrivateKey::generate_p256();
  if (!key) return key;
  auto file = NewKeyFile::create(path);
  if (!file) return pass(file.error());
  if (auto written = file->write(*key); !written) return pass(written.error());
  return key;
}

}  // namespace

Result<std::string> server_authorities(Session& session, const std::string& pin) {
  const auto answer = session.ask("GET", "trust");
  if (!answer) return pass(answer.error());
  std::vector<Envelope> chain;
  for (const auto& item : list_at(*answer, "/chain")) {
    auto envelope = parse_envelope(canonical_text(item));
    if (!envelope) return pass(envelope.error());
    chain.push_back(std::move(*envelope));
  }
  const auto list = verify_trust_list(chain, pin, 0);
  if (!list) return pass(list.error());
  std::string authorities;
  for (const auto& authority : list->server_authorities) authorities += authority;
  return authorities;
}

Result<OperatorBundle> begin_bundle(const std::string& folder, const std::string& name,
                                    const std::string& request) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, fmt::format("making the folder '{}'", folder));
  if (!request.empty()) return OperatorBundle{folder, request};
  const auto key = key_in(folder + "/operator.key");
  if (!key) return pass(key.error());
  const auto made = CertificateRequest::create(*key, name);
  if (!made) return pass(made.error());
  return OperatorBundle{folder, made->pem()};
}

Result<void> finish_bundle(const OperatorBundle& bundle, const std::string& certificate,
                           const std::string& authorities) {
  if (auto written = write_private_file(bundle.folder + "/operator.crt", certificate); !written)
    return written;
  return write_private_file(bundle.folder + "/ca.crt", authorities);
}

}  // namespace muster
