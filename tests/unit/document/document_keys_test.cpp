#include "document/document_keys.hpp"

#include <doctest/doctest.h>

#include "sample_document.hpp"

using namespace muster;

namespace {

const PrivateKey first = PrivateKey::generate_ed25519().value(),
                 second = PrivateKey::generate_ed25519().value();

TrustList list() {
  TrustList made;
  made.site = first.public_key().fingerprint();
  made.version = 4;
  made.site_key = first.public_key().pem();
  made.server_authorities = {sample::pem};
  made.document_keys = {{first.public_key().pem(), "site"}};
  return made;
}

std::string refusal_of_change(const Result<TrustList>& changed) {
  REQUIRE_FALSE(changed);
  return changed.error().message;
}

}  // namespace

TEST_CASE("a key that is added signs within its scope, and the version grows") {
  const auto added = add_document_key(list(), {second.public_key().pem(), "cluster/lab"});
  REQUIRE_MESSAGE(added, added.error().message);
  CHECK(added->version == 5);
  const std::string id = second.public_key().fingerprint();
  CHECK(find_document_key(*added, id, "lab"));
  CHECK_FALSE(find_document_key(*added, id, "prod"));
  // A second scope is a second entry; the same one again is a mistake.
  const auto wider = add_document_key(*added, {second.public_key().pem(), "cluster/prod"});
  CHECK(find_document_key(wider.value(), id, "prod"));
  CHECK(refusal_of_change(add_document_key(*wider, {second.public_key().pem(), "cluster/lab"})) ==
        "document key " + id + ": it signs in the scope 'cluster/lab' already");
}

TEST_CASE("what is no document key is not added") {
  CHECK(
      refusal_of_change(add_document_key(list(), {second.public_key().pem(), "lab"})) ==
      "trust list: refused, 1 problem:\n/documentKeys/1/scope: expected 'site', 'cluster/NAME', 'pool/CLUSTER/NAME' or 'image', found 'lab'");
  const auto p256 = PrivateKey::generate_p256().value();
  CHECK(
      refusal_of_change(add_document_key(list(), {p256.public_key().pem(), "site"})) ==
      "document key: expected an Ed25519 key, found another kind. `muster document-key create` makes one");
  // A private key in its place is refused without a word of it.
  CHECK(refusal_of_change(add_document_key(list(), {second.pem(), "site"}))
            .starts_with("document key: expected a public key in PEM: "));
}

TEST_CASE("a revoked key loses every scope; one key always stays") {
  auto both = add_document_key(list(), {second.public_key().pem(), "cluster/lab"}).value();
  both = add_document_key(both, {second.public_key().pem(), "cluster/prod"}).value();
  const std::string id = second.public_key().fingerprint();
  const auto revoked = revoke_document_key(both, id);
  REQUIRE(revoked);
  CHECK(revoked->version == 7);
  CHECK(find_document_key(*revoked, id, "lab").error().message ==
        "document key '" + id + "': the site key does not vouch for it (trust list version 7)");
  CHECK(refusal_of_change(revoke_document_key(*revoked, id)) ==
        "document key '" + id +
            "': the trust list has none with this id. `muster document-key list` shows them");
  CHECK(refusal_of_change(revoke_document_key(*revoked, first.public_key().fingerprint())) ==
        "document key '" + first.public_key().fingerprint() +
            "': it is the only one. Add another first: muster document-key add PUBLIC.pem");
}

TEST_CASE("an image key signs images alone, and is no document key that stays") {
  const auto both = add_document_key(list(), {second.public_key().pem(), "image"}).value();
  const std::string id = second.public_key().fingerprint(), site = first.public_key().fingerprint();
  CHECK(find_image_key(both, id));
  CHECK(find_document_key(both, id, "lab").error().message ==
        "document key '" + id +
            "': its scope does not cover the cluster 'lab' (trust list version 5)");
  CHECK(
      find_image_key(both, site).error().message ==
      "image key '" + site +
          "': it signs documents, not images (trust list version 5). `muster document-key add PUBLIC.pem --scope image` lets it sign images");
  CHECK(refusal_of_change(revoke_document_key(both, site)) ==
        "document key '" + site +
            "': it is the only one. Add another first: muster document-key add PUBLIC.pem");
}
