#include "trust/document_key_changes.hpp"

#include <sys/stat.h>

#include <fstream>
#include <set>

#include "records/audit.hpp"
#include "sample_site.hpp"
#include "trust/site_key_custody.hpp"

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
  REQUIRE(put_trust_list(before, sign_trust_list(site.store, site.sealing, before, list).value(),
                         late));
  CHECK(site.store.commit(late).error().kind == ErrorKind::conflict);
  // One that arrives late in memory is not served.
  auto old = *site.keys.trust();
  old.list.version = 1;
  site.keys.replace_trust(old);
  CHECK(site.keys.trust()->list.version == 2);
}

TEST_CASE("taking the site key away is completed by another run, after whatever interrupted it") {
  Site site;
  const ScratchFolder folder;
  const std::string file = folder.path("site.key"), id = site.keys.site();
  const auto key = load_key(site.store, kinds::site_key, id, site.sealing).value();
  const auto leave = [&](const std::string& text) {
    std::ofstream(file) << text;
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
  };
  const auto take = [&] {
    return take_site_key(site.store, site.sealing, NewKeyFile::create_or_find(file).value(),
                         sample::now);
  };
  SUBCASE("before it wrote the key") {
    leave("");
  }
  SUBCASE("while it wrote") {
    leave(key.pem().substr(0, 50));
  }
  SUBCASE("before the key left the store") {
    leave(key.pem());
  }
  CHECK(take().value() == SiteKeyTaken::completed);
  CHECK(read_key_file(file)->pem() == key.pem());
  CHECK(site.store.count(kinds::site_key).value() == 0);
  CHECK(take().value() == SiteKeyTaken::before);
  CHECK(read_key_file(file)->pem() == key.pem());
}

TEST_CASE("the site key stays where its file has something else in it") {
  Site site;
  const ScratchFolder folder;
  const std::string file = folder.path("site.key");
  const std::string other = PrivateKey::generate_ed25519()->pem();
  std::ofstream(file) << other;
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  CHECK(
      take_site_key(site.store, site.sealing, NewKeyFile::create_or_find(file).value(), sample::now)
          .error()
          .message == "'" + file + "': is there already; a key is never overwritten");
  CHECK(read_key_file(file)->pem() == other);
  CHECK(site.store.count(kinds::site_key).value() == 1);
}

TEST_CASE("with the site key taken away, lists are signed where it is") {
  Site site;
  const ScratchFolder folder;
  const std::string file = folder.path("site.key"), id = site.keys.site();
  const auto take = [&](const std::string& path) {
    return take_site_key(site.store, site.sealing, NewKeyFile::create(path).value(), sample::now);
  };
  REQUIRE(take(file));
  const auto site_key = read_key_file(file);
  REQUIRE(site_key);
  CHECK(site_key->public_key().fingerprint() == id);
  CHECK(site.store.count(kinds::site_key).value() == 0);
  CHECK(take(folder.path("again")).error().message ==
        "the site key " + id + " was taken away from this server before");
  CHECK_FALSE(read_key_file(folder.path("again")));  // no empty file is left behind

  const auto key = PrivateKey::generate_ed25519().value();
  CHECK(
      add_document_key(by_anna(site), {key.public_key().pem(), "site"}).error().message ==
      "the site key " + id +
          " was taken away from this server, which cannot change the trust list: repeat with --site-key FILE");
  auto list = site.keys.trust()->list;
  list.document_keys.push_back({key.public_key().pem(), "site"});
  ++list.version;
  const auto by = [&](const PrivateKey& signer, const TrustList& wanted) {
    return accept_trust_list(
        by_anna(site), sign_envelope(trust_list_type, to_canonical_json(wanted), signer).value());
  };
  const auto forged = by(key, list);
  CHECK(forged.error().kind == ErrorKind::forbidden);
  CHECK(forged.error().message == "trust list: envelope: expected a signature by the key " + id +
                                      ", found one by '" + key.public_key().fingerprint() + "'");
  auto moved = list;
  moved.servers.node = {"https://10.77.0.9:8444"};
  CHECK(by(*site_key, moved).error().message ==
        "trust list: expected the site key, addresses and authorities of version 1, found others");
  REQUIRE(by(*site_key, list));
  CHECK(site.keys.trust()->list.document_keys.size() == 2);
  CHECK(
      by(*site_key, list).error().message ==
      "trust list: expected version 3, found 2: somebody else changed it meanwhile; run it again");
  // What machines are served holds a key in the list, whoever signs it.
  site.publish(sample::small_inventory());
  const std::string servers = site.keys.document_key_id();
  TrustList without = list;
  without.document_keys.erase(without.document_keys.begin());
  ++without.version;
  CHECK(
      by(*site_key, without).error().message ==
      "machines are served what these keys signed, and would refuse it. Publish with another key first: muster apply DIR --document-key FILE (without it this server's own key signs):\n"
      "cluster 'lab': document key " +
          servers);
  // A start with other settings goes on with the list that there is.
  auto addresses = sample::addresses();
  addresses.node = {"https://10.77.0.9:8444"};
  CHECK(open_site(site.store, site.sealing, addresses)->trust()->list.version == 2);
  CHECK(return_site_key(site.store, site.sealing, key, sample::now).error().message ==
        "site key: expected " + id + ", found " + key.public_key().fingerprint());
  REQUIRE(return_site_key(site.store, site.sealing, *site_key, sample::now));
  CHECK(return_site_key(site.store, site.sealing, *site_key, sample::now).error().message ==
        "the site key " + id + " is on this server");
  CHECK(open_site(site.store, site.sealing, addresses)->trust()->list.version == 3);
  std::multiset<std::string> actions;
  const auto rows = list_audit(site.store, "", 100).value();
  for (const auto& row : rows) actions.insert(row.action);
  CHECK(actions == std::multiset<std::string>{"document-key-added", "published", "site-created",
                                              "site-key-returned", "site-key-taken"});
}

TEST_CASE("with the site key goes a document key that may sign nothing any more") {
  Site site;
  const ScratchFolder folder;
  const std::string first = site.keys.document_key_id();
  const auto take = [&](const std::string& name) {
    return take_site_key(site.store, site.sealing, NewKeyFile::create(folder.path(name)).value(),
                         sample::now);
  };
  REQUIRE(take("a"));
  CHECK(SiteKeys::load(site.store, site.sealing)->document_key_id() == first);
  REQUIRE(return_site_key(site.store, site.sealing, read_key_file(folder.path("a")).value(),
                          sample::now));
  const auto key = PrivateKey::generate_ed25519().value().public_key();
  REQUIRE(add_document_key(by_anna(site), {key.pem(), "site"}));
  REQUIRE(revoke_document_key(by_anna(site), first));
  REQUIRE(take("b"));
  CHECK_FALSE(site.store.get(kinds::document_key, first));
  CHECK(site.store.count(kinds::document_key).value() == 1);
  const auto after = SiteKeys::load(site.store, site.sealing);
  REQUIRE(after);
  CHECK(after->document_key_id() != first);
  CHECK(after->trust()->list.version == 3);
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

TEST_CASE("a cluster's record that cannot be read holds up no key, but that of its documents") {
  Site site;
  site.publish(sample::small_inventory());
  Transaction spoil;
  spoil.put(kinds::cluster, "lab", "{\"broken").put(kinds::cluster, "gone", "{\"broken");
  REQUIRE(site.store.commit(spoil));
  const auto key = PrivateKey::generate_ed25519().value().public_key();
  REQUIRE(add_document_key(by_anna(site), {key.pem(), "site"}));
  const auto held = revoke_document_key(by_anna(site), site.keys.document_key_id());
  REQUIRE_FALSE(held);
  CHECK(held.error().message.ends_with("\ncluster 'lab': document key " +
                                       site.keys.document_key_id()));
  CHECK(revoke_document_key(by_anna(site), key.fingerprint()));
}
