// What muster restore says of a restored site.
#include <doctest/doctest.h>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("a secret that machines hold newer is set by a command that there is") {
  const OperatorApi api(
      {{"GET /v1/operator/restore",
        {200,
         R"({"epoch":1,"restoredAt":5,"clusters":[{"cluster":"lab","heard":[],"unheard":[],"generation":9,)"
         R"("masterHeard":true,"newerSecrets":[{"name":"pull","node":"m1","held":3,"known":1}]}]})"}}});
  const auto told = fake::muster({"--server", api.url(), "restore", "status"});
  CHECK_MESSAGE(
      told.out.find(
          "  secret pull: m1 holds version 3, here is 1; muster secret set pull --cluster lab\n") !=
          std::string::npos,
      told.out);
}

TEST_CASE(
    "a sealed cluster of which nobody can tell what its machines hold is told, and the others") {
  const OperatorApi api(
      {{"GET /v1/operator/restore",
        {200,
         R"({"epoch":1,"restoredAt":5,"clusters":[{"cluster":"lab","unread":"machine 'lab/n1': damaged. Cure: muster ban n1"},)"
         R"({"cluster":"two","heard":[],"unheard":[],"generation":9,"masterHeard":true}]})"}}});
  const auto told = fake::muster({"--server", api.url(), "restore", "status"});
  CHECK_MESSAGE(
      told.out.find(
          "cluster lab: sealed, and nobody can tell what its machines hold: machine 'lab/n1': damaged. Cure: muster ban n1\n"
          "cluster two: 0 machine(s) showed") != std::string::npos,
      told.out);
}
