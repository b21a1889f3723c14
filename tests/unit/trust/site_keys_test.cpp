#include "trust/site_keys.hpp"

#include <nlohmann/json.hpp>

#include "records/audit.hpp"
#include "trust/site_record.hpp"
#include "trust/site_trust.hpp"
#include "unit/publish/sample_site.hpp"

using namespace muster;

namespace {

using namespace std::chrono_literals;

struct Empty {
  MemoryStore store;
  SealingKey sealing{random_bytes(32)};
};

Result<TrustList> verified(const SiteKeys& keys, const std::string& pin,
                           std::uint64_t minimum = 0) {
  return verify_trust_list(keys.trust()->chain, pin, minimum);
}

}  // namespace

TEST_CASE("init makes a site whose trust list a machine accepts by its pin") {
  Empty site;
  CHECK(open_site(site.store, site.sealing, sample::addresses()).error().message ==
        "the store holds no site yet. Run: muster-server init");
  const auto keys = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  REQUIRE(keys);
  CHECK(is_digest(keys->site()));
  const auto list = verified(*keys, keys->site());
  REQUIRE(list);
  CHECK(list->version == 1);
  CHECK(list->servers.enrol == sample::addresses().enrol);
  CHECK(list->server_authorities ==
        std::vector<std::string>{keys->servers().issuing.certificate().pem()});
  CHECK(keys->machines().issuing.certificate().common_name() == "muster-machines");
  const auto answer = nlohmann::json::parse(keys->trust()->answer);
  CHECK(answer["chain"].size() == 1);
  CHECK(parse_envelope(answer["chain"][0].dump())->payload == keys->trust()->chain[0].payload);
  CHECK(list_audit(site.store, "", 10)->at(0).action == "site-created");
}

TEST_CASE("init twice changes nothing") {
  Empty site;
  const auto first = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  const auto before = site.store.get(kinds::site, kinds::site_settings_key);
  const auto second = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  REQUIRE(second);
  CHECK(second->site() == first->site());
  CHECK(second->trust()->answer == first->trust()->answer);
  CHECK(site.store.get(kinds::site, kinds::site_settings_key)->version == before->version);
  CHECK(site.store.count(kinds::authority).value() == 2);
  CHECK(list_audit(site.store, "", 10)->size() == 1);
}

TEST_CASE("keys lie sealed in the store") {
  Empty site;
  REQUIRE(initialise_site(site.store, site.sealing, sample::addresses(), sample::now));
  for (const auto kind : {kinds::site_key, kinds::document_key, kinds::authority}) {
    const auto records = site.store.list(kind);
    REQUIRE(records);
    for (const auto& record : *records) {
      CHECK(record.value.find("PRIVATE KEY") == std::string::npos);
    }
  }
  const auto other = SiteKeys::load(site.store, SealingKey(random_bytes(32)));
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::corrupt);
}

TEST_CASE("the document key signs what the trust list lets it sign") {
  Empty site;
  const auto keys = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  const auto envelope = sign_envelope(peer_list_type, "{}", keys->document_key());
  REQUIRE(envelope);
  const auto key = find_document_key(keys->trust()->list, envelope->key_id, "lab");
  REQUIRE(key);
  CHECK(verify_envelope(*envelope, peer_list_type, *key));
}

TEST_CASE("the list's version grows only with its content") {
  Empty site;
  const auto keys = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  CHECK(open_site(site.store, site.sealing, sample::addresses())->trust()->list.version == 1);
  auto moved = sample::addresses();
  moved.node = {"https://10.77.0.2:8444"};
  const auto after = open_site(site.store, site.sealing, moved);
  REQUIRE(after);
  CHECK(after->trust()->list.version == 2);
  CHECK(after->trust()->chain.size() == 1);
  CHECK(after->site() == keys->site());
  CHECK(verified(*after, keys->site(), 2)->servers.node == moved.node);
  CHECK(open_site(site.store, site.sealing, moved)->trust()->list.version == 2);
}

TEST_CASE("a version of the trust list has one content") {
  Empty site;
  const auto keys = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  const auto found = find_site(site.store).value();
  TrustList list = keys->trust()->list;
  list.servers.node = {"https://10.77.0.2:8444"};
  const auto put = [&](std::uint64_t version) {
    list.version = version;
    Transaction transaction;
    auto done = put_trust_list(
        found, sign_trust_list(site.store, site.sealing, found, list).value(), transaction);
    CHECK(transaction.changes.empty() == !done.has_value());
    return done ? "" : done.error().message;
  };
  CHECK(
      put(1) ==
      "trust list: version 1 is given to another content already: expected a version above 1, found 1; nothing was changed, do it again");
  CHECK(put(2).empty());
  // The same again is no other content.
  Transaction transaction;
  CHECK(put_trust_list(found, found.record.chain.back(), transaction));
}

TEST_CASE("a machine follows the chain from any earlier site key") {
  Empty site;
  const auto first = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  const auto second = rotate_site_key(site.store, site.sealing, "operator anna", sample::now);
  REQUIRE(second);
  const auto third = rotate_site_key(site.store, site.sealing, "operator anna", sample::now);
  REQUIRE(third);
  auto moved = sample::addresses();
  moved.node = {"https://10.77.0.2:8444"};
  const auto last = open_site(site.store, site.sealing, moved);
  REQUIRE(last);
  CHECK(last->site() == third->site());
  CHECK(last->site() != first->site());
  for (const auto& pin : {first->site(), second->site(), third->site()}) {
    const auto list = verified(*last, pin);
    REQUIRE_MESSAGE(list, list.error().message);
    CHECK(list->site == last->site());
    CHECK(list->servers.node == moved.node);
    CHECK(list->version == 6);
  }
  CHECK_FALSE(verified(*last, "sha256:" + std::string(64, '0')));
  // Documents that were signed before are still good.
  const auto envelope = sign_envelope(peer_list_type, "{}", first->document_key());
  CHECK(find_document_key(last->trust()->list, envelope->key_id, "lab"));
}

TEST_CASE("the server's certificate is good for every address of the trust list") {
  Empty site;
  const auto keys = initialise_site(site.store, site.sealing, sample::addresses(), sample::now);
  const auto tls = keys->server_tls(ClientCertificate::required, 24h, sample::now);
  REQUIRE(tls);
  const auto certificate = Certificate::from_pem(tls->certificate_pem);
  REQUIRE(certificate);
  CHECK(certificate->ip_addresses() ==
        std::vector<std::string>{"127.0.0.1", "10.77.0.1", "fd00::1"});
  CHECK(certificate->dns_names() == std::vector<std::string>{"localhost", "muster.example"});
  CHECK(certificate->allows_server());
  CHECK_FALSE(certificate->allows_client());
  CHECK(tls->client_authorities_pem == keys->machines().issuing.certificate().pem());
  CHECK(make_server_context(*tls));
}
