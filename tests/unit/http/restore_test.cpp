// A restored server: what it serves, what it believes, and what opens a cluster.
#include "backup/learned.hpp"
#include "client/proof.hpp"
#include "fakes/unreadable.hpp"
#include "fleet/scheduler.hpp"
#include "records/epoch.hpp"
#include "records/schedule.hpp"
#include "records/secrets.hpp"
#include "restored_house.hpp"
#include "trust/site_record.hpp"

using namespace muster;
using sample::RestoredHouse;

namespace {
constexpr std::uint64_t epoch_one = 1ULL << 32;
}

TEST_CASE_FIXTURE(RestoredHouse, "a sealed cluster's machines are told so, and nothing else") {
  for (const Peer& peer : {m1, n1, renewed("n1")}) {
    for (const std::string path : {"/v1/document", "/v1/peers", "/v1/secrets/x?version=1"}) {
      const auto answer = ask("GET", path, nullptr, peer);
      CHECK(answer.status == 503);
      CHECK(answer.body["kind"] == "sealed");
    }
    for (const std::string path :
         {"/v1/report", "/v1/certificates", "/v1/etcd/turn", "/v1/identity"})
      CHECK(ask("POST", path, nlohmann::json::object(), peer).body["kind"] == "sealed");
    CHECK(ask("GET", "/v1/trust", nullptr, peer).status == 200);
  }
  CHECK(ask("GET", "/v1/operator/status").body["sealed"] == nlohmann::json::array({"lab"}));
  for (const char* name : {"n1", "m1"}) {
    const auto explained = ask("GET", std::string("/v1/operator/enrolment/") + name).body;
    REQUIRE(explained.at("machines").size() == 1);
    CHECK(
        explained.at("machines")[0].at("heldUp") ==
        nlohmann::json::array(
            {"cluster 'lab': sealed since its server was restored: see `muster restore status`, then `muster restore open lab`"}));
  }
  CHECK_FALSE(publisher.settle("lab", std::chrono::milliseconds(0)));
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "held is taken from machines of sealed clusters, by their certificate") {
  Peer nobody;
  nobody.listener = ListenerKind::enrol;
  CHECK(show(nobody, {}).body["kind"] == "certificate_missing");
  Peer other = n1;
  const auto authority =
      CertificateAuthority::create("muster-machines", std::chrono::hours(1)).value();
  Subject subject;
  subject.common_name = "n1";
  subject.organizations = {std::string(machine_organization)};
  subject.organizational_units = {"lab"};
  subject.client = true;
  other.certificate =
      authority
          .issue(PrivateKey::generate_p256()->public_key(), subject, std::chrono::hours(1), time)
          .value();
  CHECK(show(other, {}).body["kind"] == "certificate_foreign");
  CHECK(show(n1, nlohmann::json::object()).status == 200);
  REQUIRE(open({{"unheard", true}}).status == 200);
  CHECK(show(n1, nlohmann::json::object()).body["kind"] == "not_sealed");
}

TEST_CASE_FIXTURE(RestoredHouse, "what the site did not sign for this machine is not believed") {
  const auto refusal = [&](const nlohmann::json& held) {
    CHECK(show(n1, held).body["taken"] == false);
    return sealed()["heard"][0]["refused"][0].get<std::string>();
  };
  auto forged = document_of("n1", 9);
  forged["payload"] = base64_encode(to_canonical_json(NodeDocument{}));
  CHECK(refusal({{"document", forged}}).find("document: ") == 0);
  CHECK(refusal({{"document", document_of("m1", 9)}}) == "document: it is of lab/m1");
  const auto strangers = PrivateKey::generate_ed25519().value();
  const auto document = read_document(*current.document("lab", "n1")).value();
  CHECK(refusal(
            {{"document", in_envelope(node_document_type, to_canonical_json(document), strangers)}})
            .find("document: ") == 0);
  CHECK(refusal({{"peers", document_of("n1", 9)}}).find("peer list: ") == 0);
  CHECK(sealed()["generation"] == 0);
}

TEST_CASE_FIXTURE(RestoredHouse, "whom a master's document refuses is banned at once") {
  const auto bans = [](NodeDocument& document) { document.config.banned_machines = {"n1"}; };
  CHECK(show(m1, {{"document", document_of("m1", 9, bans)}}).body["taken"] == true);
  CHECK(find_machine(store, {"lab", "n1"})->ban);
  CHECK(sealed()["banned"] == nlohmann::json::array({"n1"}));
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, n1).body["kind"] == "banned");
  const auto served = ask("GET", "/v1/document", nullptr, m1);
  REQUIRE(served.status == 200);
  const auto document = parse_node_document(parse_envelope(served.body.dump())->payload).value();
  CHECK(document.generation == epoch_one + 1);
  CHECK(document.config.banned_machines == std::vector<std::string>{"n1"});
  CHECK(site.keys.trust()->list.version > epoch_one);
}

TEST_CASE_FIXTURE(RestoredHouse, "without a master's word a cluster is opened by order alone") {
  show(n1, {{"document", document_of("n1", 9)}});
  const auto refused = open();
  CHECK(refused.status == 409);
  CHECK(refused.body["kind"] == "machines_unheard");
  CHECK(
      refused.message() ==
      "cluster 'lab': expected of each master what it holds, at least as new as the backup, heard none from m1: it alone may know who was banned since. Wait for it (muster restore status), or, where it is lost, ban by hand whom you banned since, then: muster restore open lab --unheard");
  CHECK(open({{"unheard", true}}).status == 200);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "a newer version of a secret keeps a cluster sealed until it is set anew") {
  const auto holds = [](NodeDocument& document) {
    document.config.secrets.push_back({"password", 3, "/etc/password"});
  };
  show(m1, {{"document", document_of("m1", 9, holds)}});
  const auto refused = open();
  CHECK(refused.body["kind"] == "secrets_newer");
  CHECK(
      refused.message().find(
          "'password' (version 3; here 0; it lies on m1). Set each anew (muster secret set NAME --cluster lab), or") !=
      std::string::npos);
  REQUIRE(set_secret(store, site.sealing, "lab", "password", "x", "operator anna", time));
  CHECK(open().status == 200);
  CHECK(open().message() == "cluster 'lab': not sealed; `muster restore status` shows what is");
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "machines that no inventory here has are told before they lose their place") {
  show(m1, {{"document", document_of("m1", 9)}, {"peers", peers_of(9, {"m1", "n1", "n2"})}});
  show(n1, {{"peers", peers_of(5, {"m1", "n1", "n3"})}});  // an older one
  CHECK(sealed()["lost"] == nlohmann::json::array({"n2"}));
  CHECK(open().body["kind"] == "machines_dropped");
  SUBCASE("dropped") {
    CHECK(open({{"drop", true}}).status == 200);
  }
  SUBCASE("in today's folder") {
    apply(sample::small_inventory() + sample::node("n2", "node", 22));
    CHECK(open().status == 200);
  }
}

TEST_CASE_FIXTURE(RestoredHouse, "a key that was renewed after the backup is its machine's") {
  const Peer later = renewed("n1");
  show(later, {{"document", document_of("n1", 9)}});
  show(n1, {{"document", document_of("n1", 7)}});  // whoever has the older key does not push it out
  show(m1, {{"document", document_of("m1", 9)}});
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, later).status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, n1).status != 200);
}

TEST_CASE_FIXTURE(RestoredHouse, "of a banned machine no renewed key is taken") {
  const auto bans = [](NodeDocument& document) { document.config.banned_machines = {"n1"}; };
  const Peer later = renewed("n1");
  show(later, {{"document", document_of("n1", 9)}});
  show(m1, {{"document", document_of("m1", 9, bans)}});
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, later).status != 200);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "an identity that the backup does not know waits for an approval") {
  const Peer unknown = renewed("n9");
  show(unknown, nlohmann::json::object());
  show(m1, {{"document", document_of("m1", 9)}});
  CHECK(sealed()["unknown"] == nlohmann::json::array({"n9"}));
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, unknown).status == 401);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "a cluster that came after the backup is named, with its machines") {
  const auto of = [&](const std::string& cluster, const std::string& name) {
    const auto key = PrivateKey::generate_p256().value();
    Peer peer = n1;
    peer.certificate =
        Certificate::from_pem(
            issue_identity(enrolment, {cluster, name}, key.public_key())->certificate_pem)
            .value();
    peer.certificate_id = peer.certificate->fingerprint();
    return peer;
  };
  const auto lost = [&] { return ask("GET", "/v1/operator/restore").body["lostClusters"]; };
  CHECK(lost() == nlohmann::json::array());
  for (const auto& name : {"x2", "x1", "x1"}) {
    const auto answer = ask("GET", "/v1/document", nullptr, of("later", name));
    CHECK(answer.body["kind"] == "identity_unknown");
  }
  CHECK(lost() == nlohmann::json::array({{{"cluster", "later"}, {"machines", {"x1", "x2"}}}}));
  // Of a cluster that is here, and what was issued after the restore, is no lost cluster's.
  ask("GET", "/v1/document", nullptr, of("lab", "n9"));
  time += std::chrono::hours(1);
  ask("GET", "/v1/document", nullptr, of("newest", "x1"));
  CHECK(lost().size() == 1);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "restored twice from one backup, the epoch is above what machines know") {
  show(m1, {{"document", document_of("m1", epoch_one + 7)}});
  REQUIRE(open().status == 200);
  CHECK(find_epoch(store).value() == 2);
  CHECK(current.document("lab", "m1")->generation == 2 * epoch_one + 1);
}

TEST_CASE_FIXTURE(RestoredHouse, "a newer trust list is the site's from then on") {
  TrustList list = site.keys.trust()->list;
  const auto added = PrivateKey::generate_ed25519().value();
  list.document_keys.push_back({added.public_key().pem(), "cluster/lab"});
  list.version = 9;
  const auto found = find_site(store).value();
  const auto envelope = sign_trust_list(store, site.sealing, found, list).value();
  const auto chain = nlohmann::json::array({nlohmann::json::parse(to_json(envelope))});
  CHECK(show(n1, {{"trust", chain}}).body["taken"] == true);
  CHECK(site.keys.trust()->list.version == 9);
  CHECK(site.keys.trust()->list.document_keys.size() == 2);
  auto older = site.keys.trust()->list;
  older.version = 8;
  show(m1, {{"trust",
             {nlohmann::json::parse(
                 to_json(sign_trust_list(store, site.sealing, found, older).value()))}}});
  CHECK(site.keys.trust()->list.version == 9);
}

TEST_CASE_FIXTURE(RestoredHouse, "no large body is read of whoever has nothing to show") {
  RequestHead head;
  head.method = "POST";
  head.path = "/v1/held";
  Peer nobody;
  nobody.listener = ListenerKind::enrol;
  CHECK(router.admit(head, nobody, "r1").refusal.has_value());
  CHECK_FALSE(router.admit(head, n1, "r1").refusal.has_value());
  REQUIRE(open({{"unheard", true}}).status == 200);
  CHECK(router.admit(head, n1, "r1").refusal.has_value());
}

TEST_CASE_FIXTURE(RestoredHouse, "a sealed cluster takes nobody in, by a token of today either") {
  const auto made = ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}, {"node", "n1"}});
  REQUIRE_MESSAGE(made.status == 200, made.body.dump());
  const auto key = PrivateKey::generate_p256().value();
  Peer somebody;
  somebody.listener = ListenerKind::enrol;
  somebody.address = "10.77.0.21";
  const auto nonce =
      ask("POST", "/v1/nonce", nlohmann::json::object(), somebody).body["nonce"].get<std::string>();
  const std::string csr = CertificateRequest::create(key, "x")->pem();
  const std::string proof =
      base64_encode(key.sign(proof_message(ProofPurpose::enrol, nonce, csr)).value());
  const nlohmann::json hints = {{"macs", nlohmann::json::array()},
                                {"uuid", ""},
                                {"serial", ""},
                                {"hostname", "n1"},
                                {"machineId", ""},
                                {"bootId", ""}};
  const auto order = nlohmann::json{{"nonce", nonce},
                                    {"csr", csr},
                                    {"proof", proof},
                                    {"hints", hints},
                                    {"token", made.body["token"]}};
  // The name is taken: for whoever may have it.
  ask("POST", "/v1/operator/nodes/lab/n1/replace", nlohmann::json::object());
  const auto refused = ask("POST", "/v1/enrol", order, somebody);
  CHECK(refused.status == 503);
  CHECK(refused.body["kind"] == "sealed");
}

TEST_CASE_FIXTURE(RestoredHouse, "nothing of a sealed cluster ends by its time") {
  Transaction transaction;
  put_scheduled({unix_seconds(time) - 10, std::string(scheduled::member), "lab/ci-1", {}},
                transaction);
  put_scheduled({unix_seconds(time) - 10, std::string(scheduled::cluster), "lab", {}}, transaction);
  REQUIRE(store.commit(transaction));
  Scheduler scheduler(rooms, std::chrono::minutes(1), [](const OnDemandCluster&) {});
  CHECK(scheduler.carry_out_due().has_value());
  CHECK(list_due(store, unix_seconds(time), 10)->size() == 2);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "members of pools that came after the backup are let in again, by order") {
  apply_with_pool();
  const std::string network = "10.64.200.0/24";
  const Peer member = renewed("ci-1"), banned = renewed("ci-2");
  CHECK(show(member, {{"document", document_of("n1", 9, as_member("ci-1", "10.77.9.1", network))}})
            .body["taken"] == true);
  show(banned, {{"document", document_of("n1", 9, as_member("ci-2", "10.77.9.2", network))}});
  const auto bans = [](NodeDocument& document) { document.config.banned_machines = {"ci-2"}; };
  show(m1, {{"document", document_of("m1", 9, bans)},
            {"peers", peers_of(9, {"ci-1", "ci-2", "m1", "n1"})}});
  CHECK(open().body["kind"] == "machines_dropped");
  CHECK(open({{"members", true}}).message().find("peer list has ci-2,") != std::string::npos);
  REQUIRE(open({{"members", true}, {"drop", true}}).status == 200);
  const auto served = ask("GET", "/v1/document", nullptr, member);
  REQUIRE(served.status == 200);
  const auto document = parse_node_document(parse_envelope(served.body.dump())->payload).value();
  CHECK(document.role.pod_cidr == "10.64.200.0/24");
  CHECK(document.role.address == "10.77.9.1");
  CHECK(ask("GET", "/v1/document", nullptr, banned).body["kind"] == "banned");
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "by a seal that cannot be read nobody is let in who was removed before it") {
  apply_with_pool();
  make_unreadable(store, kinds::sealed, "lab");
  // Of the backup's own number.
  show(renewed("ci-1"), {{"document", document_of("n1", 1, as_member("ci-1", "10.77.9.1"))},
                         {"peers", peers_of(1, {"ci-1", "m1"})}});
  show(m1, {{"document", document_of("m1", 9)}});
  CHECK(open({{"members", true}}).body["kind"] == "machines_unheard");
  const auto refused = open({{"members", true}, {"unheard", true}});
  CHECK(refused.body["kind"] == "machines_dropped");
  CHECK(refused.message().find("peer list has ci-1,") != std::string::npos);
  REQUIRE(open({{"members", true}, {"unheard", true}, {"drop", true}}).status == 200);
  CHECK_FALSE(find_member(store, "lab", "ci-1")->has_value());
}

TEST_CASE_FIXTURE(
    RestoredHouse,
    "an order for a sealed cluster's machine is held to, and says what it waits for") {
  const std::string sealed =
      "cluster 'lab': sealed since its server was restored: see `muster restore status`, then `muster restore open lab`";
  for (const char* verb : {"ban", "unban", "drain", "undrain"}) {
    CAPTURE(verb);
    const auto answer = ask("POST", std::string("/v1/operator/nodes/lab/n1/") + verb,
                            std::string(verb) == "ban" ? nlohmann::json{{"reason", "stolen"}}
                                                       : nlohmann::json::object());
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    const auto& unpublished = answer.body.at("unpublished");
    CHECK(unpublished.at("kind") == "sealed");
    CHECK(
        unpublished.at("message") ==
        fmt::format(
            "lab/n1: this server holds to the {}; its masters' API servers do not know of it yet: {}",
            verb, sealed));
  }
  const auto approved = ask("POST", "/v1/operator/approve",
                            {{"name", "n1"}, {"fingerprint", "sha256:" + std::string(64, 'a')}});
  CHECK(approved.status == 409);
  CHECK(approved.body.at("kind") == "sealed");
  CHECK(approved.message() == sealed);
}

TEST_CASE_FIXTURE(RestoredHouse,
                  "what is applied to a sealed cluster says that nobody is served it") {
  const auto applied = apply(sample::small_inventory() + sample::node("n9", "node", 29));
  CHECK(
      applied.body.at("notes") ==
      nlohmann::json{
          "cluster 'lab': sealed since its server was restored: its machines are served nothing of it before `muster restore open lab` (`muster restore status`)"});
}

TEST_CASE_FIXTURE(RestoredHouse, "of a sealed cluster, what cannot be read is told with its cure") {
  show(m1, {{"document", document_of("m1", 9)}, {"peers", peers_of(9, {"m1", "n1"})}});
  std::string told;
  SUBCASE("a machine") {
    make_unreadable(store, kinds::machine, "lab/n1");
    told = ". Cure: muster ban n1 --cluster lab";
  }
  SUBCASE("the peer list that machines showed") {
    make_unreadable(store, kinds::learned, "lab");
    told = "; its machines show their peer list anew within five minutes, then ask again";
  }
  CHECK(sealed().at("cluster") == "lab");
  CHECK(sealed().at("unread").get<std::string>().find(told) != std::string::npos);
  CHECK(open().message().find(told) != std::string::npos);
  if (told.starts_with(";")) {
    show(n1, {{"peers", peers_of(9, {"m1", "n1"})}});
  } else {
    REQUIRE(ask("POST", "/v1/operator/nodes/lab/n1/ban", nlohmann::json::object()).status == 200);
  }
  CHECK_FALSE(sealed().contains("unread"));
  CHECK(open().status == 200);
}

TEST_CASE_FIXTURE(RestoredHouse, "a master whose word cannot be read any more is not heard") {
  show(m1, {{"document", document_of("m1", 9)}});
  make_unreadable(store, kinds::learned, "lab/m1/" + m1.certificate->public_key().fingerprint());
  CHECK(open().body["kind"] == "machines_unheard");
  show(m1, {{"document", document_of("m1", 9)}});
  CHECK(open().status == 200);
}
