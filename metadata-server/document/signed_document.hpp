// The signed envelope that carries every document: a DSSE envelope
// (github.com/secure-systems-lab/dsse, protocol.md) with Ed25519 signatures over the
// pre-authentication encoding of type and payload, so nothing is parsed before it is verified and
// no canonicalisation happens at the receiver.
#pragma once

#include <string>
#include <string_view>

#include "pki/private_key.hpp"
#include "result/result.hpp"

namespace muster {

// Payload types on the wire.
inline constexpr std::string_view node_document_type =
    "application/vnd.muster.node-document.v1+json";
inline constexpr std::string_view peer_list_type = "application/vnd.muster.peer-list.v1+json";
inline constexpr std::string_view trust_list_type = "application/vnd.muster.trust-list.v1+json";

struct Envelope {
  std::string payload_type;
  std::string payload;    // the exact signed bytes
  std::string key_id;     // fingerprint of the signing key, "sha256:..."
  std::string signature;  // raw Ed25519, 64 bytes
};

// {"payload":base64,"payloadType":...,"signatures":[{"keyid":...,"sig":base64}]}
[[nodiscard]] std::string to_json(const Envelope& envelope);
// Refuses more than `maximum_envelope_size` bytes and more than one signature.
[[nodiscard]] Result<Envelope> parse_envelope(std::string_view json);
inline constexpr std::size_t maximum_envelope_size = 4u << 20;
// Of which the envelope is surely no larger: base64, and room for type, key and signature.
inline constexpr std::size_t maximum_payload_size = maximum_envelope_size / 4 * 3 - 1024;
// The payload alone, of an envelope that this program wrote and keeps: nothing else of it is
// looked at.
[[nodiscard]] Result<std::string> payload_of(std::string_view json);

[[nodiscard]] Result<Envelope> sign_envelope(std::string_view payload_type, std::string payload,
                                             const PrivateKey& key);
// The same by one who signs many: `key_id` is the fingerprint of the key.
[[nodiscard]] Result<Envelope> sign_envelope(std::string_view payload_type, std::string payload,
                                             const PrivateKey& key, std::string key_id);
// unauthenticated: wrong key, wrong type or altered bytes; the message says which.
[[nodiscard]] Result<void> verify_envelope(const Envelope& envelope, std::string_view expected_type,
                                           const PublicKey& key);

// "sha256:..." of the payload: the ETag and the name of this exact content.
[[nodiscard]] std::string digest(const Envelope& envelope);

}  // namespace muster
