#include "document/detached_signature.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;

namespace {

const PrivateKey key = PrivateKey::generate_ed25519().value(),
                 other = PrivateKey::generate_ed25519().value();

ClusterSignatures signatures() {
  return {key.public_key().fingerprint(),
          sign_detached(peer_list_type, "peers", key).value(),
          {{"m1", sign_detached(node_document_type, "one", key).value()},
           {"n1", sign_detached(node_document_type, "two", key).value()}}};
}

Result<Envelope> attached(std::string_view type, const std::string& payload) {
  return attach(signatures().documents.at("m1"), type, payload, key.public_key());
}

}  // namespace

TEST_CASE("a detached signature and the same bytes are the envelope of both") {
  const auto envelope = attached(node_document_type, "one");
  REQUIRE_MESSAGE(envelope, envelope.error().message);
  CHECK(to_json(*envelope) == to_json(sign_envelope(node_document_type, "one", key).value()));
}

TEST_CASE("other bytes, another type and another key are refused") {
  const auto other_bytes = attached(node_document_type, "two");
  REQUIRE_FALSE(other_bytes);
  CHECK(other_bytes.error().kind == ErrorKind::conflict);
  CHECK(other_bytes.error().message == "expected a signature over " + sha256_digest("two") +
                                           ", found one over '" + sha256_digest("one") + "'");
  const std::string altered = "envelope: the signature by " + key.public_key().fingerprint() +
                              " does not verify: payload or signature was altered";
  // A peer list's signature is none of a document with the same bytes.
  const auto other_type = attached(peer_list_type, "one");
  REQUIRE_FALSE(other_type);
  CHECK(other_type.error().kind == ErrorKind::forbidden);
  CHECK(other_type.error().message == altered);
  const auto foreign = sign_detached(node_document_type, "one", other).value();
  CHECK(attach(foreign, node_document_type, "one", key.public_key()).error().message == altered);
}

TEST_CASE("signatures round-trip, and every problem is told") {
  const nlohmann::json value = to_value(signatures());
  CHECK(value["documents"]["m1"]["digest"] == sha256_digest("one"));
  std::vector<Problem> problems;
  ClusterSignatures again;
  JsonObject object(value, "", problems);
  read(object, again);
  object.close();
  CHECK(problems.empty());
  CHECK(to_value(again) == value);
  nlohmann::json wrong = value;
  wrong["documents"]["m1"]["signature"] = "?";
  wrong["documents"]["n1"].erase("digest");
  wrong["documents"]["n1"]["payload"] = "x";
  JsonObject refused(wrong, "", problems);
  read(refused, again);
  refused.close();
  CHECK(
      to_text(problems) ==
      "/documents/m1/signature: base64: expected a length that is a multiple of 4, found 1 characters\n"
      "/documents/n1/digest: expected a string, found nothing\n"
      "/documents/n1/payload: unknown field, expected one of digest, signature");
}
