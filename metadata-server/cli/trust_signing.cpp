#include "cli/trust_signing.hpp"

#include "cli/answer.hpp"
#include "document/strict_json.hpp"
#include "pki/key_file.hpp"

namespace muster {

Result<std::uint64_t> change_trust_list(Session& session, const std::string& site_key_file,
                                        const std::function<Result<TrustList>(TrustList)>& edit) {
  const auto key = read_key_file(site_key_file);
  if (!key) return while_doing(key.error(), "--site-key");
  const auto answer = session.ask("GET", "trust");
  if (!answer) return pass(answer.error());
  std::vector<Envelope> chain;
  for (const auto& item : list_at(*answer, "/chain")) {
    auto envelope = parse_envelope(canonical_text(item));
    if (!envelope) return pass(envelope.error());
    chain.push_back(std::move(*envelope));
  }
  auto list = verify_trust_list(chain, key->public_key().fingerprint(), 0);
  if (!list) return pass(list.error());
  const auto edited = edit(std::move(*list));
  if (!edited) return pass(edited.error());
  const auto envelope = sign_envelope(trust_list_type, to_canonical_json(*edited), *key);
  if (!envelope) return pass(envelope.error());
  const auto accepted = session.ask(
      "PUT", "trust", {{"envelope", nlohmann::json::parse(to_json(*envelope), nullptr, false)}});
  if (!accepted) return pass(accepted.error());
  return edited->version;
}

}  // namespace muster
