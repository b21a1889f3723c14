// Signatures that were made away from the server, without the payloads: the server compiles the
// same bytes itself and puts them together, so a signer cannot slip in anything that the inventory
// does not say. Format: document/README.md, "Detached signatures". Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "document/json_object.hpp"
#include "document/signed_document.hpp"

namespace muster {

struct DetachedSignature {
  std::string digest;     // of the payload that was signed
  std::string signature;  // raw Ed25519
};

// Of everything that one cluster is served.
struct ClusterSignatures {
  std::string key_id;
  DetachedSignature peers;
  std::map<std::string, DetachedSignature> documents;  // by node
};

[[nodiscard]] nlohmann::json to_value(const ClusterSignatures& signatures);
void read(JsonObject& object, ClusterSignatures& signatures);

[[nodiscard]] Result<DetachedSignature> sign_detached(std::string_view payload_type,
                                                      const std::string& payload,
                                                      const PrivateKey& key);
// The envelope of `payload`. conflict: another payload was signed. forbidden: the signature is not
// this key's.
[[nodiscard]] Result<Envelope> attach(const DetachedSignature& detached,
                                      std::string_view payload_type, std::string payload,
                                      const PublicKey& key);

}  // namespace muster
