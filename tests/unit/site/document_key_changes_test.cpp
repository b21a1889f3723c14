#include "site/document_key_changes.hpp"

#include "sample_site.hpp"
#include "site/audit.hpp"

using namespace muster;
using sample::Site;

namespace {

TrustChange by_anna(Site& site) {
  return {site.store, site.sealing, site.keys, "operator anna", sample::now};
}

}  // namespace

TEST_CASE("a key that is added is served, audited and there after a restart") {
  Site site;
  const auto key = PrivateKey::generate_ed25519().value().public_key();
  REQUIRE(add_document_key(by_anna(site), {key.pem(), "cluster/lab"}));
  const auto trust = site.keys.trust();
  CHECK(trust->list.version == 2);
  // The newest list takes the place of the one before it: one key signed both.
  CHECK(trust->chain.size() == 1);
  CHECK(verify_trust_list(trust->chain, site.keys.site(), 2)->document_keys.size() == 2);
  CHECK(trust->answer.find(base64_encode(trust->chain[0].payload)) != std::string::npos);
  AuditRow added;
  const auto rows = list_audit(site.store, "", 10).value();
  for (const auto& row : rows) {
    if (row.action == "document-key-added") added = row;
  }
  CHECK(added.actor == "operator anna");
  CHECK(added.subject == key.fingerprint());
  CHECK(added.detail == "scope cluster/lab, trust list version 2");
  // New addresses, and a new site key, leave the keys alone.
  auto moved = sample::addresses();
  moved.node = {"https://10.77.0.2:8444"};
  CHECK(open_site(site.store, site.sealing, moved)->trust()->list.document_keys.size() == 2);
  const auto rotated = rotate_site_key(site.store, site.sealing, "operator anna", sample::now);
  CHECK(find_document_key(rotated->trust()->list, key.fingerprint(), "lab"));
}

TEST_CASE("a list that somebody else changed is not overwritten") {
  Site site;
  const auto key = PrivateKey::generate_ed25519().value().public_key();
  const auto before = find_site(site.store).value();
  REQUIRE(add_document_key(by_anna(site), {key.pem(), "site"}));
  Transaction late;
  auto list = load_trust(site.store)->list;
  ++list.version;
  REQUIRE(put_trust_list(site.store, site.sealing, before, list, late));
  CHECK(site.store.commit(late).error().kind == ErrorKind::conflict);
  // One that arrives late in memory is not served.
  auto old = *site.keys.trust();
  old.list.version = 1;
  site.keys.replace_trust(old);
  CHECK(site.keys.trust()->list.version == 2);
}

TEST_CASE("a revoked key is gone from what machines are given") {
  Site site;
  const auto key = PrivateKey::generate_ed25519().value().public_key();
  REQUIRE(add_document_key(by_anna(site), {key.pem(), "site"}));
  REQUIRE(revoke_document_key(by_anna(site), key.fingerprint()));
  const auto trust = site.keys.trust();
  CHECK(trust->list.version == 3);
  CHECK_FALSE(find_document_key(trust->list, key.fingerprint(), "lab"));
  const auto unknown = revoke_document_key(by_anna(site), key.fingerprint());
  CHECK(unknown.error().kind == ErrorKind::not_found);
  CHECK(site.keys.trust()->list.version == 3);
}
