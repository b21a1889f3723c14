// Document keys and signatures through the routes.
#include "document/detached_signature.hpp"
#include "inventory/compile.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

const PrivateKey key = PrivateKey::generate_ed25519().value();

nlohmann::json keys_of(House& house) {
  return house.ask("GET", "/v1/operator/document-keys").body.at("documentKeys");
}

// Only `key` may sign for lab.
void sign_away(House& house) {
  const auto added = house.ask("POST", "/v1/operator/document-keys",
                               {{"publicKey", key.public_key().pem()}, {"scope", "cluster/lab"}});
  REQUIRE_MESSAGE(added.status == 200, added.body.dump());
  CHECK(added.body == nlohmann::json{{"keyId", key.public_key().fingerprint()},
                                     {"scope", "cluster/lab"},
                                     {"trustVersion", 2}});
  REQUIRE(house.ask("DELETE", "/v1/operator/document-keys/" + house.site.keys.document_key_id())
              .status == 200);
}

nlohmann::json signed_order(House& house, const std::string& text) {
  const auto prepared = house.ask("POST", "/v1/operator/clusters/lab/signing").body;
  const auto facts = parse_site_facts(prepared.at("facts").dump()).value();
  auto compiled = compile(load({{"site.yaml", text}}).value(), "lab", facts).value();
  ClusterSignatures signatures;
  signatures.key_id = key.public_key().fingerprint();
  for (auto& document : compiled.documents) {
    document.generation = prepared.at("generation");
    signatures.documents[document.role.node] =
        sign_detached(node_document_type, to_canonical_json(document), key).value();
  }
  compiled.peers.generation = prepared.at("generation");
  signatures.peers = sign_detached(peer_list_type, to_canonical_json(compiled.peers), key).value();
  const auto current = house.current.cluster("lab");
  return {{"clusters", {"lab"}},
          {"files", {{"site.yaml", text}}},
          {"basedOn", {{"lab", current ? current->revision : ""}}},
          {"signatures", {{"lab", to_value(signatures)}}}};
}

nlohmann::json lab(House& house) {
  return house.ask("GET", "/v1/operator/status").body.at("clusters").at(0);
}

}  // namespace

TEST_CASE("the server's own key is listed also when it may not sign") {
  House house;
  CHECK(keys_of(house).size() == 1);
  CHECK(keys_of(house)[0].at("onServer") == true);
  CHECK(keys_of(house)[0].at("scope") == "site");
  sign_away(house);
  const auto keys = keys_of(house);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0] == nlohmann::json{{"keyId", key.public_key().fingerprint()},
                                  {"scope", "cluster/lab"},
                                  {"publicKey", key.public_key().pem()},
                                  {"onServer", false}});
  CHECK(keys[1].at("scope") == "");
  CHECK(house.ask("GET", "/v1/operator/site").body.at("trustVersion") == 3);
  // Its public half is enough to let it sign again.
  const auto again = house.ask("POST", "/v1/operator/document-keys",
                               {{"publicKey", keys[1].at("publicKey")}, {"scope", "site"}});
  CHECK(again.status == 200);
  CHECK(keys_of(house)[1].at("onServer") == true);
}

TEST_CASE("machines are given the list with the new key at their next question") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  const auto before = house.ask("GET", "/v1/trust", {}, n1).body;
  REQUIRE(house
              .ask("POST", "/v1/operator/document-keys",
                   {{"publicKey", key.public_key().pem()}, {"scope", "site"}})
              .status == 200);
  const auto after = house.ask("GET", "/v1/trust", {}, n1).body;
  CHECK(after != before);
  const auto envelope = parse_envelope(after.at("chain").back().dump()).value();
  const auto list = verify_trust_list({envelope}, house.site.keys.site(), 2);
  REQUIRE_MESSAGE(list, list.error().message);
  CHECK(list->document_keys.size() == 2);
}

TEST_CASE("a trust list that was signed elsewhere is put in force") {
  House house;
  const auto present = house.ask("GET", "/v1/operator/trust").body;
  const auto envelope = parse_envelope(present.at("chain").back().dump()).value();
  TrustList list = parse_trust_list(envelope.payload).value();
  list.document_keys.push_back({key.public_key().pem(), "cluster/lab"});
  ++list.version;
  const auto put = [&](const PrivateKey& signer) {
    const auto made = sign_envelope(trust_list_type, to_canonical_json(list), signer).value();
    return house.ask("PUT", "/v1/operator/trust",
                     {{"envelope", nlohmann::json::parse(to_json(made))}});
  };
  CHECK(put(key).status == 403);
  CHECK(keys_of(house).size() == 1);
  const auto site_key =
      load_key(house.store, kinds::site_key, house.site.keys.site(), house.site.sealing).value();
  CHECK(put(site_key).body == nlohmann::json{{"trustVersion", 2}});
  CHECK(keys_of(house).size() == 2);
  CHECK(house.ask("PUT", "/v1/operator/trust", {{"envelope", "x"}}).status == 400);
}

TEST_CASE("an apply with signatures is published; a ban then waits for the next") {
  House house;
  sign_away(house);
  const auto text = sample::small_inventory();
  const auto published = house.ask("POST", "/v1/operator/apply", signed_order(house, text));
  REQUIRE_MESSAGE(published.status == 200, published.body.dump());
  const Peer n1 = house.machine("n1");
  const auto served = house.ask("GET", "/v1/document", {}, n1).body;
  CHECK(served.at("signatures")[0].at("keyid") == key.public_key().fingerprint());
  CHECK(lab(house).at("awaitsSignature") == false);
  const auto banned = house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}});
  CHECK(banned.status == 200);
  CHECK(
      banned.body.at("unpublished").at("message") ==
      "lab/n1: this server holds to the ban; its masters' API servers do not know of it yet: cluster 'lab': this server may not sign for it. Sign with a key that may (`muster document-key list`): muster apply DIR --document-key FILE");
  CHECK(house.ask("GET", "/v1/document", {}, n1).status == 403);
  CHECK(lab(house).at("awaitsSignature") == true);
  Quarantine afresh;
  CurrentDocuments restarted(afresh);
  REQUIRE(restarted.load(house.store));
  CHECK(restarted.cluster("lab")->banned_machines.empty());
  REQUIRE(house.ask("POST", "/v1/operator/apply", signed_order(house, text)).status == 200);
  CHECK(lab(house).at("awaitsSignature") == false);
  REQUIRE(restarted.load(house.store));
  CHECK(restarted.cluster("lab")->banned_machines == std::vector<std::string>{"n1"});
}

TEST_CASE("signatures that cannot be read are refused with their places") {
  House house;
  sign_away(house);
  auto order = signed_order(house, sample::small_inventory());
  order["signatures"]["lab"]["peers"].erase("digest");
  order["signatures"]["lab"]["documents"]["m1"]["payload"] = "x";
  const auto refused = house.ask("POST", "/v1/operator/apply", order);
  CHECK(refused.status == 400);
  CHECK(refused.message() ==
        "apply request: refused, 2 problems:\n"
        "/signatures/lab/peers/digest: expected a string, found nothing\n"
        "/signatures/lab/documents/m1/payload: unknown field, expected one of digest, signature");
}

TEST_CASE("what two revisions differ in is told per machine") {
  House house;
  house.apply(sample::small_inventory());
  house.apply(sample::small_inventory(", overrides: {kubelet: {maxPods: 120}}") +
              sample::node("n2", "node", 22));
  const auto diff = [&](const std::string& from, const std::string& to) {
    return house.ask("GET", "/v1/operator/revisions/diff?cluster=lab&from=" + from + "&to=" + to);
  };
  const auto forward = diff("1", "2").body;
  CHECK(forward.at("from").at("number") == 1);
  CHECK(forward.at("to").at("revision") == house.current.cluster("lab")->revision);
  REQUIRE(forward.at("changes").size() == 3);
  CHECK(forward["changes"][0] == nlohmann::json{{"cluster", "lab"},
                                                {"node", "m1"},
                                                {"change", "unchanged"},
                                                {"differences", nlohmann::json::array()},
                                                {"effects", nlohmann::json::array()},
                                                {"cost", "none"}});
  CHECK(forward["changes"][1].at("differences") ==
        nlohmann::json{"/config/kubelet/maxPods: 110 -> 120"});
  CHECK(forward["changes"][1].at("cost") == "restart");
  CHECK(forward["changes"][2].at("change") == "added");
  const auto back = diff("2", "1").body;
  CHECK(back["changes"][1].at("differences") ==
        nlohmann::json{"/config/kubelet/maxPods: 120 -> 110"});
  CHECK(back["changes"][2].at("change") == "removed");
  CHECK(diff("1", "9").message() ==
        "cluster 'lab': there is no revision '9'. `muster revision list` shows them.");
  CHECK(house.ask("GET", "/v1/operator/revisions/diff?cluster=lab&from=1").message() ==
        "query: expected 'to', found none; ask for /v1/operator/revisions/diff?to=...");
}
