#include "document/detached_signature.hpp"

#include "pki/signature.hpp"

namespace muster {
namespace {

nlohmann::json to_value(const DetachedSignature& detached) {
  return {{"digest", detached.digest}, {"signature", base64_encode(detached.signature)}};
}

void read_detached(JsonObject& object, DetachedSignature& detached) {
  object.text("digest", detached.digest);
  object.word("signature", detached.signature,
              [](const std::string& text) { return base64_decode(text); });
}

}  // namespace

nlohmann::json to_value(const ClusterSignatures& signatures) {
  nlohmann::json documents = nlohmann::json::object();
  for (const auto& [node, detached] : signatures.documents) documents[node] = to_value(detached);
  return {{"keyId", signatures.key_id},
          {"peers", to_value(signatures.peers)},
          {"documents", std::move(documents)}};
}

void read(JsonObject& object, ClusterSignatures& signatures) {
  object.text("keyId", signatures.key_id);
  object.object("peers", [&](JsonObject& peers) { read_detached(peers, signatures.peers); });
  object.object("documents", [&](JsonObject& documents) {
    for (const std::string& node : documents.fields()) {
      documents.object(
          node, [&](JsonObject& document) { read_detached(document, signatures.documents[node]); });
    }
  });
}

Result<DetachedSignature> sign_detached(std::string_view payload_type, const std::string& payload,
                                        const PrivateKey& key) {
  auto envelope = sign_envelope(payload_type, payload, key);
  if (!envelope) return pass(envelope.error());
  return DetachedSignature{digest(*envelope), std::move(envelope->signature)};
}

Result<Envelope> attach(const DetachedSignature& detached, std::string_view payload_type,
                        std::string payload, const PublicKey& key) {
  Envelope envelope{std::string(payload_type), std::move(payload), key.fingerprint(),
                    detached.signature};
  if (const std::string own = digest(envelope); own != detached.digest) {
    return fail(ErrorKind::conflict, fmt::format("expected a signature over {}, found one over {}",
                                                 own, in_ticks(detached.digest)));
  }
  if (auto sound = verify_envelope(envelope, payload_type, key); !sound) {
    return fail(ErrorKind::forbidden, sound.error().message);
  }
  return envelope;
}

}  // namespace muster
