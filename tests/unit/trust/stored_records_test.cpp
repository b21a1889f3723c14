#include "pki/signature.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"
#include "trust/site_record.hpp"
#include "trust/stored_authority.hpp"
#include "unit/records/stored_record.hpp"

using namespace muster;

namespace {

void put(Store& store, std::string_view kind, std::string_view key, const std::string& text) {
  Transaction transaction;
  transaction.put(kind, key, text);
  REQUIRE(store.commit(transaction));
}

}  // namespace

TEST_CASE("the site's record") {
  StoredRecord record{
      "site settings",
      R"({"chain":[{"payload":"e30=","payloadType":"t","signatures":[{"keyid":"sha256:a","sig":"AAAA"}]}],"documentKey":"sha256:d","siteKey":"sha256:s"})",
      [](const std::string& text) -> Result<std::string> {
        MemoryStore store;
        put(store, kinds::site, kinds::site_settings_key, text);
        const auto found = find_site(store);
        if (!found) return pass(found.error());
        Transaction transaction;
        if (auto put = put_site(*found, found->record, transaction); !put) return pass(put.error());
        return *transaction.changes.at(0).value;
      }};
  // What stands beside an envelope's payload is not signed, and is read over.
  record.foreign = {"/chain"};
  check_stored(record);
  const auto refused = record.rewrite(R"({"chain":null,"documentKey":"","siteKey":""})");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "site settings: refused, 1 problem:\n/chain: expected a list");
  const auto damaged = record.rewrite(R"({"chain":[{}],"documentKey":"","siteKey":""})");
  CHECK(damaged.error().message.starts_with("site settings: envelope: refused, 3 problems:\n"));
}

TEST_CASE("a sealed key's record") {
  const SealingKey sealing{random_bytes(32)};
  const PrivateKey key = PrivateKey::generate_p256().value();
  const std::string fingerprint = key.public_key().fingerprint();
  Transaction made;
  REQUIRE(put_key(key, kinds::site_key, sealing, made));
  const std::string golden = *made.changes.at(0).value;
  CHECK(golden.starts_with(R"({"publicKey":"-----BEGIN PUBLIC KEY-----\n)"));
  CHECK(golden.find(R"(-----END PUBLIC KEY-----\n","sealedKey":")") != std::string::npos);
  check_stored({"site-key '" + fingerprint + "'", golden,
                [&](const std::string& text) -> Result<std::string> {
                  MemoryStore store;
                  put(store, kinds::site_key, fingerprint, text);
                  const auto read = load_key(store, kinds::site_key, fingerprint, sealing);
                  if (!read) return pass(read.error());
                  CHECK(read->public_key().fingerprint() == fingerprint);
                  return text;
                }});
}

TEST_CASE("an authority's record") {
  const SealingKey sealing{random_bytes(32)};
  Transaction made;
  const auto authority = create_authority("lab/etcd", "etcd-lab", sealing, made);
  REQUIRE(authority);
  const std::string golden = *made.changes.at(0).value;
  CHECK(golden.starts_with(R"({"certificates":["-----BEGIN CERTIFICATE-----\n)"));
  CHECK(golden.find(R"(-----END CERTIFICATE-----\n"],"sealedKey":")") != std::string::npos);
  const auto rewrite = [&](const std::string& text) -> Result<std::string> {
    MemoryStore store;
    put(store, kinds::authority, "lab/etcd", text);
    const auto read = load_authority(store, "lab/etcd", sealing);
    if (!read) return pass(read.error());
    CHECK(read->trusted_pem() == authority->trusted_pem());
    return text;
  };
  check_stored({"authority 'lab/etcd'", golden, rewrite});
  CHECK(
      rewrite(R"({"certificates":[],"sealedKey":""})").error().message ==
      "authority 'lab/etcd': refused, 1 problem:\n/certificates: expected at least one certificate, found none");
}
