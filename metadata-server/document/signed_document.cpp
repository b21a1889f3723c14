#include "document/signed_document.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// DSSE protocol.md, "Signature Definition": PAE(type, body).
std::string pre_authentication_encoding(std::string_view type, std::string_view body) {
  return fmt::format("DSSEv1 {} {} {} {}", type.size(), type, body.size(), body);
}

void read_base64(JsonObject& object, std::string_view field, std::string& target) {
  object.word(field, target, [](const std::string& text) { return base64_decode(text); });
}

}  // namespace

// As canonical_text would write it; base64 and digests need no escaping.
std::string to_json(const Envelope& envelope) {
  return fmt::format(
      R"({{"payload":"{}","payloadType":{},"signatures":[{{"keyid":{},"sig":"{}"}}]}})",
      base64_encode(envelope.payload), json_string(envelope.payload_type),
      json_string(envelope.key_id), base64_encode(envelope.signature));
}

Result<Envelope> parse_envelope(std::string_view text) {
  const auto json = parse_strict_json("envelope", text, {maximum_envelope_size, 4});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  Envelope envelope;
  // What stands beside the payload is not signed, and so decides nothing (DSSE's own rule).
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  read_base64(root, "payload", envelope.payload);
  root.text("payloadType", envelope.payload_type);
  std::size_t signatures = 0;
  root.objects("signatures", [&](JsonObject& signature) {
    ++signatures;
    signature.text("keyid", envelope.key_id);
    read_base64(signature, "sig", envelope.signature);
  });
  if (problems.empty() && signatures != 1) {
    root.problem("signatures", fmt::format("expected one signature, found {}", signatures));
  }
  root.close();
  if (!problems.empty()) return fail("envelope", problems);
  return envelope;
}

Result<std::string> payload_of(std::string_view json) {
  constexpr std::string_view start = R"({"payload":")";
  const std::size_t end = json.find('"', start.size());
  if (json.starts_with(start) && end != std::string_view::npos)
    return base64_decode(json.substr(start.size(), end - start.size()));
  auto envelope = parse_envelope(json);
  if (!envelope) return pass(envelope.error());
  return std::move(envelope->payload);
}

Result<Envelope> sign_envelope(std::string_view payload_type, std::string payload,
                               const PrivateKey& key) {
  return sign_envelope(payload_type, std::move(payload), key, key.public_key().fingerprint());
}

Result<Envelope> sign_envelope(std::string_view payload_type, std::string payload,
                               const PrivateKey& key, std::string key_id) {
  auto signature = key.sign(pre_authentication_encoding(payload_type, payload));
  if (!signature) return while_doing(signature.error(), fmt::format("signing {}", payload_type));
  return Envelope{std::string(payload_type), std::move(payload), std::move(key_id),
                  std::move(*signature)};
}

Result<void> verify_envelope(const Envelope& envelope, std::string_view expected_type,
                             const PublicKey& key) {
  if (envelope.payload_type != expected_type) {
    return fail(ErrorKind::unauthenticated,
                fmt::format("envelope: expected the type '{}', found {}", expected_type,
                            in_ticks(envelope.payload_type)));
  }
  const std::string fingerprint = key.fingerprint();
  if (envelope.key_id != fingerprint) {
    return fail(ErrorKind::unauthenticated,
                fmt::format("envelope: expected a signature by the key {}, found one by {}",
                            fingerprint, in_ticks(envelope.key_id)));
  }
  const std::string message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
  if (!key.verify(message, envelope.signature)) {
    return fail(
        ErrorKind::unauthenticated,
        fmt::format(
            "envelope: the signature by {} does not verify: payload or signature was altered",
            fingerprint));
  }
  return {};
}

std::string digest(const Envelope& envelope) {
  return sha256_digest(envelope.payload);
}

}  // namespace muster
