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
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  if (answer.status == 202) {
    std::uint32_t seconds = 5;
    enrolled.pending = true;
    root.text("fingerprint", enrolled.fingerprint);
    root.number("pollAfter", seconds);
    std::string awaits;  // an older server does not say
    root.text("awaits", awaits, Need::optional);
    enrolled.awaits_masters = awaits == "masters";
    enrolled.awaits_backup = awaits == "backup";
    enrolled.poll_after = std::chrono::seconds(seconds);
  } else if (const auto* tombstone = root.raw("tombstone", Need::optional)) {
    auto envelope = parse_envelope(tombstone->dump());
    if (!envelope) return while_doing(envelope.error(), "enrol answer: tombstone");
    enrolled.tombstone = std::move(*envelope);
  } else {
    root.text("node", enrolled.node);
    root.text("cluster", enrolled.cluster);
    root.text("certificate", enrolled.certificate_pem);
  }
  if (!problems.empty()) return fail("enrol answer", problems);
  return enrolled;
}

bool is_proof_missing(const HttpAnswer& answer) {
  if (answer.status != 403) return false;
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  const auto kind = body.is_object() ? body.find("kind") : body.end();
  return kind != body.end() && *kind == "proof_missing";
}

}  // namespace

Result<EnrolAnswer> MetadataClient::prove(ProofPurpose purpose, const std::string& path,
                                          const PrivateKey& key, const MachineHints* hints,
                                          const EnrolProofs& proofs) {
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
  if (!proofs.token.empty()) body["token"] = proofs.token;
  if (!proofs.instance_identity.empty()) body["instanceIdentity"] = proofs.instance_identity;
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.body = canonical_text(body);
  const auto answer = send(request);
  if (!answer) return pass(answer.error());
  if (answer->status >= 400) {
    const Error refused =
        while_doing(error_of(*answer), fmt::format("POST {}{}", base_url_, path)).value();
    if (!is_proof_missing(*answer)) return pass(refused);
    EnrolAnswer missing;
    missing.proof_missing = refused.message;
    return missing;
  }
  auto enrolled = parse_enrol_answer(*answer);
  if (enrolled && enrolled->fingerprint.empty())
    enrolled->fingerprint = key.public_key().fingerprint();
  return enrolled;
}

Result<EnrolAnswer> MetadataClient::enrol(const PrivateKey& key, const MachineHints& hints,
                                          const EnrolProofs& proofs) {
  return prove(ProofPurpose::enrol, "/v1/enrol", key, &hints, proofs);
}

Result<EnrolAnswer> MetadataClient::recover(const PrivateKey& key) {
  return prove(ProofPurpose::recover, "/v1/recover", key, nullptr, {});
}

Result<EnrolAnswer> MetadataClient::renew_identity(const PrivateKey& new_key) {
  return prove(ProofPurpose::recover, "/v1/identity", new_key, nullptr, {});
}

}  // namespace muster
