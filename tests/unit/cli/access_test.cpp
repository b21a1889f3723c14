// What gives people access: an operator's folder, a kubeconfig; and the audit of it.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "document/trust_list.hpp"
#include "operator_api.hpp"
#include "pki/certificate.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

std::string text_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

unsigned mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

// A server whose trust list says "the CA", signed by `key`.
std::map<std::string, OperatorApi::Answer> answers(const PrivateKey& key, const std::string& pin) {
  TrustList list;
  list.site = key.public_key().fingerprint();
  list.version = 1;
  list.site_key = key.public_key().pem();
  list.server_authorities = {"the CA\n"};
  list.document_keys = {{PrivateKey::generate_ed25519()->public_key().pem(), "site"}};
  list.servers = {{"http://10.0.0.1:8080"}, {"https://10.0.0.1:8443"}, {"https://10.0.0.1:8444"}};
  const auto envelope = sign_envelope(trust_list_type, to_canonical_json(list), key).value();
  return {{"GET /v1/operator/site", {200, R"({"pin":")" + pin + R"("})"}},
          {"GET /v1/operator/trust", {200, R"({"chain":[)" + to_json(envelope) + "]}"}}};
}

// The fake answers by its first line alone; the request's key is read from what was asked.
std::string request_in(const std::string& asked) {
  const auto body = nlohmann::json::parse(asked.substr(asked.find('{')));
  return body.at("csr").get<std::string>();
}

}  // namespace

TEST_CASE("an operator's folder has key, certificate and the CA that the site key vouches for") {
  const ScratchFolder folder;
  const auto site = PrivateKey::generate_ed25519().value();
  auto told = answers(site, site.public_key().fingerprint());
  told["POST /v1/operator/operators"] = {200, R"({"name":"anna","certificate":"the leaf\n"})"};
  const OperatorApi api(told);
  const std::string out = folder.path("anna");
  REQUIRE(fake::muster({"--server", api.url(), "operator", "add", "anna", "--out", out}).exit == 0);
  CHECK(text_in(out + "/ca.crt") == "the CA\n");
  CHECK(text_in(out + "/operator.crt") == "the leaf\n");
  CHECK(mode_of(out + "/operator.key") == 0600);
  CHECK(mode_of(out) == 0700);
  const auto key = PrivateKey::from_pem(text_in(out + "/operator.key"));
  REQUIRE(key);
  const auto request = CertificateRequest::from_pem(request_in(api.asked().back()));
  REQUIRE(request);
  CHECK(request->public_key().fingerprint() == key->public_key().fingerprint());
  // Again: the key stays, which is how a certificate is renewed.
  REQUIRE(fake::muster({"--server", api.url(), "operator", "add", "anna", "--out", out}).exit == 0);
  CHECK(text_in(out + "/operator.key") == key->pem());
}

TEST_CASE("another CA than the pinned site's is handed to nobody, and no certificate is made") {
  const ScratchFolder folder;
  const auto site = PrivateKey::generate_ed25519().value();
  const auto other = PrivateKey::generate_ed25519().value();
  const OperatorApi api(answers(other, other.public_key().fingerprint()));
  const auto ran = fake::muster({"--server", api.url(), "operator", "add", "anna", "--out",
                                 folder.path("anna"), "--pin", site.public_key().fingerprint()});
  CHECK(ran.exit != 0);
  CHECK_FALSE(std::filesystem::exists(folder.path("anna/ca.crt")));
  CHECK(api.asked().back() == "GET /v1/operator/trust");
  const auto neither = fake::muster({"--server", api.url(), "operator", "add", "anna"});
  CHECK(neither.exit == 2);
  CHECK(neither.err == "muster: operator add: expected --out DIR, or --csr FILE, found neither\n");
}

TEST_CASE("a kubeconfig is written for its owner alone, and over nobody else's") {
  const ScratchFolder folder;
  const OperatorApi api(
      {{"POST /v1/operator/kubeconfig",
        {200, R"({"kubeconfig":"a: 1\n","contexts":["anna@lab","anna@lab-m1"]})"}}});
  const auto write = [&](const std::string& path) {
    return fake::muster({"--server", api.url(), "kubeconfig", "--cluster", "lab", "--write", path});
  };
  const std::string path = folder.path("lab");
  CHECK(write(path).out == path + ": contexts anna@lab, anna@lab-m1\n");
  CHECK(mode_of(path) == 0600);
  CHECK(text_in(path).ends_with("\na: 1\n"));
  CHECK(write(path).exit == 0);
  std::ofstream(folder.path("config")) << "the only key to another cluster\n";
  const auto refused = write(folder.path("config"));
  CHECK(refused.exit == 5);
  CHECK(
      refused.err ==
      "muster: '" + folder.path("config") +
          "': is there, and not made by `muster kubeconfig --write`; write another file, and name it in KUBECONFIG\n");
  CHECK(text_in(folder.path("config")) == "the only key to another cluster\n");
}

TEST_CASE("the audit's newest rows, of a time and of a machine; page by page from a row on") {
  const OperatorApi api({{"GET /v1/operator/audit?tail=100", {}},
                         {"GET /v1/operator/audit?tail=5&node=lab/m1&within=7200", {}},
                         {"GET /v1/operator/audit?after=0042-ab&limit=7", {}}});
  CHECK(fake::muster({"--server", api.url(), "audit"}).exit == 0);
  CHECK(fake::muster(
            {"--server", api.url(), "audit", "--tail", "5", "--node", "lab/m1", "--since", "2h"})
            .exit == 0);
  CHECK(fake::muster({"--server", api.url(), "audit", "--after", "0042-ab", "--limit", "7"}).exit ==
        0);
}
