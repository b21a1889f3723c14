// The way in, secrets and kubeconfigs as the routes answer them.
#include "client/proof.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "pki/signature.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

Peer stranger() {
  Peer peer;
  peer.listener = ListenerKind::enrol;
  peer.address = "10.77.0.21";
  return peer;
}

nlohmann::json enrol_body(House& house, const PrivateKey& key, const std::string& token = "") {
  const std::string nonce =
      house.ask("POST", "/v1/nonce", {}, stranger()).body.at("nonce").get<std::string>();
  const std::string csr = CertificateRequest::create(key, "x")->pem();
  nlohmann::json body = {
      {"nonce", nonce},
      {"csr", csr},
      {"proof", base64_encode(key.sign(proof_message(ProofPurpose::enrol, nonce, csr)).value())}};
  if (!token.empty()) body["token"] = token;
  return body;
}

std::string decoded(const std::string& kubeconfig, const std::string& field) {
  const auto begin = kubeconfig.find(field + ": ") + field.size() + 2;
  return base64_decode(kubeconfig.substr(begin, kubeconfig.find('\n', begin) - begin)).value();
}

}  // namespace

TEST_CASE("a stranger gets the trust chain, a nonce, and a place in the queue; then its name") {
  House house;
  house.apply(sample::small_inventory());
  CHECK(house.ask("GET", "/v1/trust", {}, stranger()).body.at("chain").size() == 1);
  const auto key = PrivateKey::generate_p256().value();
  const auto waits = house.ask("POST", "/v1/enrol", enrol_body(house, key), stranger());
  CHECK(waits.status == 202);
  CHECK(waits.body == nlohmann::json({{"fingerprint", key.public_key().fingerprint()},
                                      {"pollAfter", 5},
                                      {"awaits", "approval"}}));
  const auto pending = house.ask("GET", "/v1/operator/pending");
  REQUIRE(pending.body.at("pending").size() == 1);
  CHECK(pending.body.at("pending")[0].at("source") == "10.77.0.21");
  const auto approved =
      house.ask("POST", "/v1/operator/approve",
                {{"name", "n1"}, {"fingerprint", key.public_key().fingerprint()}});
  CHECK(approved.status == 200);
  const auto known = house.ask("GET", "/v1/operator/pending").body.at("pending")[0];
  CHECK(known.at("reason") == "approved by operator root as 'lab/n1', and let in when it asks");
  CHECK(known.at("cure") == "");
  CHECK(house.ask("GET", "/v1/operator/status").body.at("pendingApprovals") == 0);
  const auto enrolled = house.ask("POST", "/v1/enrol", enrol_body(house, key), stranger());
  CHECK(enrolled.status == 200);
  CHECK(enrolled.body.at("node") == "n1");
  CHECK(enrolled.body.at("cluster") == "lab");
  CHECK(house.ask("GET", "/v1/operator/status").body.at("pendingApprovals") == 0);
}

TEST_CASE("a token is shown once, without its secret in any list, and revoked by its id") {
  House house;
  house.apply(sample::small_inventory());
  const auto made =
      house.ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}, {"node", "n1"}, {"count", 2}});
  const auto token = made.body.at("token").get<std::string>();
  const auto listed = house.ask("GET", "/v1/operator/tokens");
  CHECK(listed.body.dump().find(token.substr(token.rfind('.') + 1)) == std::string::npos);
  CHECK(listed.body.at("tokens")[0].at("left") == 2);
  const auto key = PrivateKey::generate_p256().value();
  CHECK(house.ask("POST", "/v1/enrol", enrol_body(house, key, token), stranger()).status == 200);
  CHECK(house.ask("GET", "/v1/operator/tokens").body.at("tokens")[0].at("left") == 1);
  const std::string path = "/v1/operator/tokens/" + made.body.at("id").get<std::string>();
  CHECK(house.ask("DELETE", path).status == 200);
  CHECK(house.ask("DELETE", path).status == 404);
}

TEST_CASE("recovery asks for the old certificate") {
  House house;
  const auto key = PrivateKey::generate_p256().value();
  const auto refused = house.ask("POST", "/v1/recover", enrol_body(house, key), stranger());
  CHECK(refused.status == 401);
  CHECK(refused.body.at("kind") == "certificate_missing");
  CHECK(
      refused.message() ==
      "recover: expected the machine's old identity certificate in the TLS handshake, found none; without it, enrol again with a token");
}

TEST_CASE("a secret goes to the machine whose document names it, and into no list") {
  House house;
  const std::string value = base64_encode("hunter2");
  CHECK(house.ask("PUT", "/v1/operator/secrets/lab/db", {{"value", value}}).body.at("version") ==
        1);
  house.apply(
      sample::small_inventory(", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}"));
  const Peer n1 = house.machine("n1"), m1 = house.machine("m1");
  CHECK(house.ask("GET", "/v1/secrets/db?version=1", {}, n1).body.at("value") == value);
  for (const auto& refused : {house.ask("GET", "/v1/secrets/db?version=1", {}, m1),
                              house.ask("GET", "/v1/secrets/db?version=2", {}, n1),
                              house.ask("GET", "/v1/secrets/none?version=1", {}, n1)}) {
    CHECK(refused.status == 404);
    CHECK(
        refused.message() ==
        "nothing of that name for this caller; `muster explain node` shows what a machine is served");
  }
  for (const char* path : {"/v1/operator/secrets", "/v1/operator/audit"}) {
    const std::string text = house.ask("GET", path).body.dump();
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find(value) == std::string::npos);
  }
  REQUIRE(freeze(house.enrolment, {"lab", "n1"}, "two of them", "server"));
  CHECK(house.ask("GET", "/v1/secrets/db?version=1", {}, n1).body.at("kind") == "frozen");
  CHECK(house.ask("DELETE", "/v1/operator/secrets/lab/db").status == 409);
  CHECK(house.ask("PUT", "/v1/operator/secrets/lab/db", {{"value", "?"}}).message() ==
        "secret: /value: expected base64");
}

TEST_CASE("a kubeconfig is in the caller's name, for its time, and past RBAC for an hour at most") {
  House house;
  house.apply(sample::small_inventory());
  const auto ask = [&](const nlohmann::json& body) {
    return house.ask("POST", "/v1/operator/kubeconfig", body);
  };
  const auto made = ask({{"cluster", "lab"}, {"ttlSeconds", 600}});
  REQUIRE(made.status == 200);
  const auto text = made.body.at("kubeconfig").get<std::string>();
  CHECK(text.find("server: https://10.77.0.11:6443\n") != std::string::npos);
  const auto certificate = Certificate::from_pem(decoded(text, "client-certificate-data")).value();
  CHECK(certificate.common_name() == "root");
  CHECK(certificate.organizations() == std::vector<std::string>{"muster:operators"});
  CHECK(certificate.not_after() <= sample::now + std::chrono::seconds(600));
  CHECK(certificate.matches(PrivateKey::from_pem(decoded(text, "client-key-data")).value()));
  const auto glass = ask({{"cluster", "lab"}, {"ttlSeconds", 3600}, {"breakGlass", true}});
  CHECK(Certificate::from_pem(decoded(glass.body.at("kubeconfig"), "client-certificate-data"))
            ->organizations() == std::vector<std::string>{"system:masters"});
  CHECK(ask({{"cluster", "lab"}, {"ttlSeconds", 3601}, {"breakGlass", true}}).message() ==
        "kubeconfig request: refused, 1 problem:\n/ttlSeconds: expected 60 to 3600, found 3601");
  CHECK(ask({{"cluster", "none"}, {"ttlSeconds", 600}}).message() ==
        "cluster: there is none named 'none'; `muster status` shows them");
}
