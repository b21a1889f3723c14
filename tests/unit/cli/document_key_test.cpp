// Keys that stay with their operator, and what is signed with them.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "document/detached_signature.hpp"
#include "document/strict_json.hpp"
#include "document/trust_list.hpp"
#include "inventory/compile.hpp"
#include "inventory/load.hpp"
#include "operator_api.hpp"
#include "pki/certificate_authority.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const char* const inventory =
    "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
    "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n---\n"
    "apiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
    "spec: {cluster: lab, role: master, address: 10.77.0.11}\n";

const std::string authority =
    CertificateAuthority::create("lab", std::chrono::hours(1)).value().certificate().pem();

SiteFacts facts() {
  SiteFacts made;
  made.site = "sha256:" + std::string(64, 'a');
  for (const char* name : {"cluster", "etcd", "front-proxy"}) made.authorities[name] = {authority};
  for (const char* name : {"kubernetes", "etcd", "containerd", "runc", "cni-plugins", "coredns",
                           "pause", "host-tools", "haproxy"}) {
    made.catalogue.push_back({name, std::string(name) == "kubernetes" ? "1.36.3" : "1.0.0",
                              "sha256:" + std::string(64, 'b'), 100});
  }
  made.secrets = {{"service-account-key", 1}, {"encryption-configuration", 1}};
  return made;
}

std::map<std::string, OperatorApi::Answer> answers() {
  return {{"GET /v1/operator/revisions?cluster=lab", {200, R"({"current":"sha256:old"})"}},
          {"POST /v1/operator/clusters/lab/signing",
           {200, R"({"generation":7,"facts":)" + to_json(facts()) + "}"}},
          {"POST /v1/operator/apply",
           {200, R"({"revisions":{"lab":"sha256:new"},"changes":[{"cluster":"lab","node":"m1",)"
                 R"("change":"added","differences":[],"cost":"none"},{"cluster":"lab","node":"n1",)"
                 R"("change":"unchanged","agentTooOld":"upgrade the agent of n1 first: x"}]})"}}};
}

}  // namespace

TEST_CASE("a document key is made in a new file that nobody else may read") {
  const ScratchFolder folder;
  const std::string path = folder.path("lab.key");
  const auto ran = fake::muster({"document-key", "create", "--out", path});
  REQUIRE(ran.exit == 0);
  const auto key = PrivateKey::from_pem(content_of(path));
  REQUIRE(key);
  CHECK(ran.out == key->public_key().pem());
  CHECK(ran.err == "document key " + key->public_key().fingerprint() +
                       "; its private half is in '" + path + "' and nowhere else\n");
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0600U);
  const auto again = fake::muster({"document-key", "create", "--out", path});
  CHECK(again.exit == 5);
  CHECK(again.err == "muster: '" + path + "': is there already; a key is never overwritten\n");
  CHECK(content_of(path) == key->pem());
}

TEST_CASE("only a public key leaves this machine") {
  const OperatorApi api({{"POST /v1/operator/document-keys", {200, R"({"trustVersion":2})"}}});
  const std::string path = api.folder() + "/lab.key";
  const auto made = fake::muster({"document-key", "create", "--out", path});
  const auto add = [&](const std::string& file) {
    return fake::muster(
        {"--server", api.url(), "document-key", "add", file, "--scope", "cluster/lab"});
  };
  const auto refused = add(path);
  CHECK(refused.exit == 1);
  CHECK(refused.err.starts_with(
      "muster: '" + path +
      "': expected a public key in PEM, as `muster document-key create` prints it: "));
  CHECK(api.asked().empty());
  std::ofstream(api.folder() + "/lab.pem") << made.out;
  const auto ran = add(api.folder() + "/lab.pem");
  CHECK(ran.out == PublicKey::from_pem(made.out)->fingerprint() +
                       " signs in the scope cluster/lab; trust list version 2\n");
  CHECK(api.asked().back() ==
        "POST /v1/operator/document-keys " +
            canonical_text({{"publicKey", made.out}, {"scope", "cluster/lab"}}));
}

TEST_CASE("document keys are listed with who holds them, and revoked by their id") {
  const OperatorApi api({{"GET /v1/operator/document-keys",
                          {200, R"({"documentKeys":[{"keyId":"sha256:ab","scope":"cluster/lab",)"
                                R"("onServer":false},{"keyId":"sha256:cd","scope":"",)"
                                R"("onServer":true}],"trustVersion":3})"}},
                         {"DELETE /v1/operator/document-keys/sha256%3Aab",
                          {200, R"({"keyId":"sha256:ab","trustVersion":4})"}}});
  CHECK(fake::muster({"--server", api.url(), "document-key", "list"}).out ==
        "KEY        SCOPE        HELD BY\n"
        "sha256:ab  cluster/lab  operator\n"
        "sha256:cd  -            server\n");
  CHECK(fake::muster({"--server", api.url(), "document-key", "revoke", "sha256:ab"}).out ==
        "sha256:ab signs no more; trust list version 4\n");
}

TEST_CASE("with the site key here, the trust list is signed here") {
  const ScratchFolder folder;
  const std::string file = folder.path("site.key"), other_file = folder.path("other.key");
  REQUIRE(fake::muster({"document-key", "create", "--out", file}).exit == 0);
  const auto made = fake::muster({"document-key", "create", "--out", other_file});
  const auto site_key = PrivateKey::from_pem(content_of(file)).value();
  TrustList list;
  list.site = site_key.public_key().fingerprint();
  list.version = 4;
  list.site_key = site_key.public_key().pem();
  list.server_authorities = {authority};
  list.document_keys = {{site_key.public_key().pem(), "site"}};
  const auto present = sign_envelope(trust_list_type, to_canonical_json(list), site_key).value();
  const OperatorApi api(
      {{"GET /v1/operator/trust", {200, R"({"chain":[)" + to_json(present) + "]}"}},
       {"PUT /v1/operator/trust", {200, R"({"trustVersion":5})"}}});
  std::ofstream(folder.path("lab.pem")) << made.out;
  const auto add = [&](const std::string& key) {
    return fake::muster({"--server", api.url(), "document-key", "add", folder.path("lab.pem"),
                         "--scope", "cluster/lab", "--site-key", key});
  };
  const auto ran = add(file);
  const std::string id = PublicKey::from_pem(made.out)->fingerprint();
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  CHECK(ran.out == id + " signs in the scope cluster/lab; trust list version 5\n");
  const std::string asked = api.asked().back();
  REQUIRE(asked.starts_with("PUT /v1/operator/trust "));
  const auto body = nlohmann::json::parse(asked.substr(asked.find('{')));
  const auto sent = parse_envelope(body.at("envelope").dump()).value();
  const auto verified = verify_trust_list({sent}, list.site, 5);
  REQUIRE_MESSAGE(verified, verified.error().message);
  CHECK(find_document_key(*verified, id, "lab"));
  // Another key than the one that machines pinned signs nothing.
  const auto stranger = add(other_file);
  CHECK(stranger.exit == 5);
  CHECK(stranger.err.starts_with("muster: trust list: expected one signed by the pinned site key " +
                                 id + ", found none among 1."));
  CHECK(api.asked().back() == "GET /v1/operator/trust");
}

TEST_CASE("apply with a document key sends signatures over what is compiled here") {
  const OperatorApi api(answers());
  const std::string key_file = api.folder() + "/lab.key";
  REQUIRE(fake::muster({"document-key", "create", "--out", key_file}).exit == 0);
  const std::string folder = api.folder() + "/racks";
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  std::ofstream(folder + "/lab.yaml") << inventory;
  const auto ran =
      fake::muster({"--server", api.url(), "apply", folder, "--document-key", key_file});
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  CHECK(ran.err.empty());
  CHECK(
      ran.out ==
      "added     lab/m1\n1 machine unchanged\nwarning: upgrade the agent of n1 first: x\nlab: revision sha256:new\n");
  const std::string asked = api.asked().back();
  REQUIRE(asked.starts_with("POST /v1/operator/apply "));
  const auto order = nlohmann::json::parse(asked.substr(asked.find('{')));
  CHECK(order["basedOn"] == nlohmann::json{{"lab", "sha256:old"}});
  CHECK(asked.find("PRIVATE") == std::string::npos);
  std::vector<Problem> problems;
  JsonObject object(order["signatures"]["lab"], "", problems);
  ClusterSignatures signatures;
  read(object, signatures);
  REQUIRE(problems.empty());
  const auto key = PrivateKey::from_pem(content_of(key_file))->public_key();
  CHECK(signatures.key_id == key.fingerprint());
  auto compiled = compile(load({{"lab.yaml", inventory}}).value(), "lab", facts()).value();
  compiled.documents[0].generation = 7;
  compiled.peers.generation = 7;
  CHECK(attach(signatures.documents.at("m1"), node_document_type,
               to_canonical_json(compiled.documents[0]), key));
  CHECK(attach(signatures.peers, peer_list_type, to_canonical_json(compiled.peers), key));
}

TEST_CASE("what cannot be signed here publishes nothing") {
  const OperatorApi api(answers());
  const std::string key_file = api.folder() + "/lab.key", folder = api.folder() + "/racks";
  REQUIRE(fake::muster({"document-key", "create", "--out", key_file}).exit == 0);
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  std::string text = inventory;
  text.replace(text.find("kubernetesVersion: 1.36.3"), 25, "kubernetesVersion: 1.35.0");
  std::ofstream(folder + "/lab.yaml") << text;
  const auto apply = [&] {
    return fake::muster({"--server", api.url(), "apply", folder, "--document-key", key_file});
  };
  const auto unsound = apply();
  CHECK(unsound.exit == 3);
  CHECK(unsound.err.find("muster: 1 problem; nothing was changed\n") != std::string::npos);
  CHECK(api.asked().back() == "POST /v1/operator/clusters/lab/signing");
  REQUIRE(::chmod(key_file.c_str(), 0640) == 0);
  const auto open_to_others = apply();
  CHECK(open_to_others.exit == 5);
  CHECK(open_to_others.err == "muster: --document-key: '" + key_file +
                                  "': expected mode 0600 or stricter, found 0640. Run: chmod 600 " +
                                  key_file + "\n");
}

TEST_CASE("revision diff shows changes as diff does") {
  const OperatorApi api(
      {{"GET /v1/operator/revisions/diff?cluster=lab&from=1&to=sha256:4f",
        {200,
         R"({"from":{"number":1},"to":{"number":2},"changes":[{"cluster":"lab","node":"m1",)"
         R"("change":"unchanged"},{"cluster":"lab","node":"n1","change":"changed","differences":)"
         R"(["/config/kubelet/maxPods: 110 -> 120"],"effects":["kubelet.service: restart at its turn: x"],)"
         R"("cost":"restart"}]})"}}});
  const auto ran = fake::muster(
      {"--server", api.url(), "revision", "diff", "1", "sha256:4f", "--cluster", "lab"});
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  CHECK(ran.out ==
        "changed   lab/n1  (costs a restart)\n    /config/kubelet/maxPods: 110 -> 120\n"
        "  > kubelet.service: restart at its turn: x\n"
        "1 machine unchanged\n");
}

TEST_CASE("status says which cluster waits for a signature") {
  const OperatorApi api({{"GET /v1/operator/status",
                          {200, R"({"clusters":[{"cluster":"lab","awaitsSignature":true},)"
                                R"({"cluster":"prod","awaitsSignature":false}],)"
                                R"("pendingApprovals":0})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(
      ran.out.find(
          "lab: bans changed since it was signed, and this server may not sign: run muster apply DIR --document-key FILE\n") !=
      std::string::npos);
  CHECK(ran.out.find("prod: ") == std::string::npos);
}
