// Secrets, tokens, kubeconfigs and the site's pin against a server that answers as the operator's
// API does.
#include <doctest/doctest.h>

#include <fstream>

#include "fakes/golden.hpp"
#include "operator_api.hpp"
#include "pki/signature.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("a secret's value comes from a file and goes in base64") {
  const OperatorApi api({{"PUT /v1/operator/secrets/lab/db", {200, R"({"version":2})"}}});
  std::ofstream(api.folder() + "/value") << "hunter2\n";
  const auto ran = fake::muster({"--server", api.url(), "secret", "set", "db", "--cluster", "lab",
                                 "--file", api.folder() + "/value"});
  CHECK(ran.out == "secret db version 2\n");
  CHECK(api.asked().back() ==
        R"(PUT /v1/operator/secrets/lab/db {"value":")" + base64_encode("hunter2\n") + R"("})");
}

TEST_CASE("a secret is told for which cluster it waits, and who would miss it") {
  const OperatorApi api(
      {{"PUT /v1/operator/secrets/ci/db", {200, R"({"version":1,"published":false})"}},
       {"DELETE /v1/operator/secrets/ci/db", {200, R"({"neededBy":[2,5]})"}}});
  std::ofstream(api.folder() + "/value") << "x";
  CHECK(
      fake::muster({"--server", api.url(), "secret", "set", "db", "--cluster", "ci", "--file",
                    api.folder() + "/value"})
          .out ==
      "secret db version 1\n"
      "there is no cluster 'ci' now: it is the next one's of that name; `muster secret remove db --cluster ci` takes it back\n");
  CHECK(
      fake::muster({"--server", api.url(), "secret", "remove", "db", "--cluster", "ci"}).out ==
      "secret db removed\n"
      "needed by revision(s) 2, 5: before a rollback to one, `muster secret set db --cluster ci`\n");
}

TEST_CASE("a token is shown once and its time is in seconds") {
  const OperatorApi api(
      {{"POST /v1/operator/tokens", {200, R"({"id":"7f","token":"mt-secret"})"}}});
  const auto ran = fake::muster({"--server", api.url(), "token", "create", "--cluster", "lab",
                                 "--count", "3", "--ttl", "30m"});
  CHECK(ran.out == "mt-secret\n");
  CHECK(api.asked().back() ==
        R"(POST /v1/operator/tokens {"cluster":"lab","count":3,"role":"node","ttlSeconds":1800})");
}

TEST_CASE("kubeconfig is printed as it is; break-glass is an hour") {
  const OperatorApi api({{"POST /v1/operator/kubeconfig", {200, R"({"kubeconfig":"a: 1\n"})"}}});
  CHECK(fake::muster({"--server", api.url(), "kubeconfig", "--cluster", "lab"}).out == "a: 1\n");
  CHECK(api.asked().back() ==
        R"(POST /v1/operator/kubeconfig {"breakGlass":false,"cluster":"lab","ttlSeconds":43200})");
  CHECK(fake::muster({"--server", api.url(), "kubeconfig", "--cluster", "lab", "--break-glass"})
            .exit == 0);
  CHECK(api.asked().back() ==
        R"(POST /v1/operator/kubeconfig {"breakGlass":true,"cluster":"lab","ttlSeconds":3600})");
  for (const auto& [ttl, seconds] : {std::pair{"90m", "5400"}, {"8", "28800"}}) {
    fake::muster({"--server", api.url(), "kubeconfig", "--cluster", "lab", "--ttl", ttl});
    CHECK(api.asked().back().find(fmt::format("\"ttlSeconds\":{}", seconds)) != std::string::npos);
  }
  CHECK(fake::muster({"kubeconfig", "--cluster", "lab", "--ttl", "2d"}).err ==
        "muster: --ttl: expected 1m to 24h, found '2d'\n");
}

TEST_CASE("init shows the pin") {
  const OperatorApi api(
      {{"GET /v1/operator/site",
        {200,
         R"({"pin":"sha256:ab","servers":{"boot":["http://a"],"enrol":["https://b","https://c"],"node":[]}})"}}});
  CHECK(
      fake::muster({"--server", api.url(), "init"}).out ==
      "site pin   sha256:ab\nboot       http://a\nenrol      https://b, https://c\nnode       \n");
}
