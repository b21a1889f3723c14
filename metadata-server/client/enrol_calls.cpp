#include <nlohmann/json.hpp>

#include "client/metadata_client.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/certificate.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

nlohmann::json to_value(const MachineHints& hints) {
  return {{"macs", hints.macs},
          {"uuid", hints.uuid},
          {"serial", hints.serial},
          {"hostname", hints.hostname},
          {"machineId", hints.machine_id},
          {"bootId", hints.boot_id}};
}

Result<EnrolAnswer> parse_enrol_answer(const HttpAnswer& answer) {
  const auto json = parse_strict_json("enrol answer", answer.body, {64u << 10, 4});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  EnrolAnswer enrolled;
  JsonObject root(*json, "", problems);
  if (answer.status == 202) {
    std::uint32_t seconds = 5;
    enrolled.pending = true;
    root.text("fingerprint", enrolled.fingerprint);
    root.number("pollAfter", seconds);
    enrolled.poll_after = std::chrono::seconds(seconds);
  } else {
    root.text("node", enrolled.node);
    root.text("cluster", enrolled.cluster);
    root.text("certificate", enrolled.certificate_pem);
  }
  if (!problems.empty()) return fail("enrol answer", problems);
  return enrolled;
}

}  // namespace

Result<EnrolAnswer> MetadataClient::prove(ProofPurpose purpose, const std::string& path,
                                          const PrivateKey& key, const MachineHints* hints,
                                          std::string_view token) {
  const auto fresh = nonce();
  if (!fresh) return pass(fresh.error());
  // The subject of a request decides nothing: the inventory does.
  const auto csr = CertificateRequest::create(key, "muster-machine");
  if (!csr) return pass(csr.error());
  const std::string csr_pem = csr->pem();
  const auto signature = key.sign(proof_message(purpose, *fresh, csr_pem));
  if (!signature) return pass(signature.error());
  nlohmann::json body = {{"nonce", *fresh}, {"csr", csr_pem}, {"proof", base64_encode(*signature)}};
  if (hints != nullptr) body["hints"] = to_value(*hints);
  if (!token.empty()) body["token"] = std::string(token);
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.body = canonical_text(body);
  const auto answer = ask(request);
  if (!answer) return pass(answer.error());
  auto enrolled = parse_enrol_answer(*answer);
  if (enrolled && enrolled->fingerprint.empty())
    enrolled->fingerprint = key.public_key().fingerprint();
  return enrolled;
}

Result<EnrolAnswer> MetadataClient::enrol(const PrivateKey& key, const MachineHints& hints,
                                          std::string_view token) {
  return prove(ProofPurpose::enrol, "/v1/enrol", key, &hints, token);
}

Result<EnrolAnswer> MetadataClient::recover(const PrivateKey& key) {
  return prove(ProofPurpose::recover, "/v1/recover", key, nullptr, {});
}

Result<EnrolAnswer> MetadataClient::renew_identity(const PrivateKey& new_key) {
  return prove(ProofPurpose::recover, "/v1/identity", new_key, nullptr, {});
}

}  // namespace muster
