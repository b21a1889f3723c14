#include "document/signed_document.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;

namespace {
// RFC 8032 section 7.1 test 1's secret key, so that the signature below is a literal.
constexpr const char* key_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

PrivateKey rfc_key() {
  return PrivateKey::from_pem(key_pem).value();
}
}  // namespace

TEST_CASE("the signature is over DSSE's pre-authentication encoding") {
  const auto envelope = sign_envelope(peer_list_type, R"({"a":1})", rfc_key()).value();
  CHECK(peer_list_type.size() == 40);
  CHECK(rfc_key().public_key().verify(
      "DSSEv1 40 application/vnd.muster.peer-list.v1+json 7 {\"a\":1}", envelope.signature));
  CHECK(
      to_json(envelope) ==
      R"({"payload":"eyJhIjoxfQ==","payloadType":"application/vnd.muster.peer-list.v1+json",)"
      R"("signatures":[{"keyid":)"
      R"("sha256:06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9",)"
      R"("sig":"D1BalA53rg0T5ZWhqcPj22fuUXQMUVVG9euJW/R52jK/3aim6m4vAH9xJ1wJ/i436L8/JdY7cGoM090g8tU8Cg=="}]})");
  CHECK(digest(envelope) == sha256_digest(R"({"a":1})"));
}

TEST_CASE("an envelope round-trips and verifies") {
  const auto envelope = sign_envelope(node_document_type, "payload", rfc_key()).value();
  const auto read = parse_envelope(to_json(envelope));
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_json(*read) == to_json(envelope));
  CHECK(verify_envelope(*read, node_document_type, rfc_key().public_key()));
}

TEST_CASE("a wrong type, a wrong key and altered bytes are told apart") {
  const auto envelope = sign_envelope(node_document_type, "payload", rfc_key()).value();
  const auto refusal = [](const Envelope& found, std::string_view type, const PublicKey& by) {
    const auto verified = verify_envelope(found, type, by);
    REQUIRE_FALSE(verified);
    CHECK(verified.error().kind == ErrorKind::unauthenticated);
    return verified.error().message;
  };
  const std::string own = rfc_key().public_key().fingerprint();
  CHECK(
      refusal(envelope, peer_list_type, rfc_key().public_key()) ==
      "envelope: expected the type 'application/vnd.muster.peer-list.v1+json', found 'application/vnd.muster.node-document.v1+json'");
  const auto other = PrivateKey::generate_ed25519().value().public_key();
  CHECK(refusal(envelope, node_document_type, other) ==
        "envelope: expected a signature by the key " + other.fingerprint() + ", found one by '" +
            own + "'");
  Envelope altered = envelope;
  altered.payload[0] = 'P';
  CHECK(refusal(altered, node_document_type, rfc_key().public_key()) ==
        "envelope: the signature by " + own + " does not verify: payload or signature was altered");
  Envelope renamed = envelope;
  renamed.key_id = other.fingerprint();  // the key id is a hint, the key decides
  CHECK_FALSE(verify_envelope(renamed, node_document_type, other));
  Envelope retyped = envelope;
  retyped.payload_type = peer_list_type;
  CHECK_FALSE(verify_envelope(retyped, peer_list_type, rfc_key().public_key()));
}

TEST_CASE("what stands beside an envelope's payload without a signature says nothing") {
  const auto envelope = parse_envelope(
      R"({"payload":"YQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"YQ==","x":1}],"x":{}})");
  REQUIRE(envelope);
  CHECK(to_json(*envelope) ==
        R"({"payload":"YQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"YQ=="}]})");
}

TEST_CASE("an envelope with two signatures or bad base64 is refused") {
  CHECK_FALSE(parse_envelope(R"({"payload":"YQ=","payloadType":"t","signatures":[]})"));
  CHECK(parse_envelope(R"({"payload":"YQ==","payloadType":"t","signatures":[]})").error().message ==
        "envelope: refused, 1 problem:\n/signatures: expected one signature, found 0");
  CHECK(
      parse_envelope(
          R"({"payload":"YQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"YQ=="},{"keyid":"b","sig":"YQ=="}]})")
          .error()
          .message ==
      "envelope: refused, 1 problem:\n/signatures: expected one signature, found 2");
  CHECK(parse_envelope(std::string(maximum_envelope_size + 1, ' ')).error().kind ==
        ErrorKind::exhausted);
}
