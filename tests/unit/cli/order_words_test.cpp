// What commands say of orders that changed nothing, of numbers, of notes and of times.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("an order that changed nothing says so, and is no failure") {
  const OperatorApi api(
      {{"POST /v1/operator/nodes/lab/n1/unban", {200, R"({"unchanged":true})"}},
       {"POST /v1/operator/nodes/lab/n1/ban", {200, R"({"unchanged":true})"}},
       {"POST /v1/operator/nodes/lab/n2/unban", {200, "{}"}},
       {"POST /v1/operator/nodes/lab/n1/unfreeze", {200, R"({"unchanged":true})"}}});
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--server", api.url()});
    words.insert(words.end(), {"--cluster", "lab"});
    const auto ran = fake::muster(words);
    CHECK(ran.exit == 0);
    return ran.out;
  };
  CHECK(run({"unban", "n1"}) == "lab/n1: not banned; nothing changed\n");
  CHECK(run({"ban", "n1"}) == "lab/n1: banned already; nothing changed\n");
  CHECK(run({"unban", "n2"}) == "lab/n2: unbanned\n");
  CHECK(run({"node", "unfreeze", "n1", "--keep", "sha256:a"}) ==
        "lab/n1: not frozen; nothing changed\n");
}

TEST_CASE("a rollback tells its number, what changed, and what else there is to know") {
  const OperatorApi api(
      {{"POST /v1/operator/revisions/rollback",
        {200,
         R"({"revision":"sha256:a","number":58,"numbers":{"lab":58},"written":true,"unchanged":1,)"
         R"("changes":[{"cluster":"lab","node":"n1","change":"changed","differences":["/x: 1 -> 2"]}],)"
         R"("notes":["cluster 'lab': n1 took generation 57"]})"}}});
  const auto ran =
      fake::muster({"--server", api.url(), "revision", "rollback", "41", "--cluster", "lab"});
  CHECK(ran.exit == 0);
  CHECK(ran.out ==
        "changed   lab/n1\n    /x: 1 -> 2\n1 machine unchanged\n"
        "cluster 'lab': n1 took generation 57\n"
        "lab: published as revision 58 (sha256:a)\n");
  // What the refusal of one over an apply that added machines asks for.
  fake::muster(
      {"--server", api.url(), "revision", "rollback", "41", "--cluster", "lab", "--remove"});
  CHECK(api.asked().back() ==
        R"(POST /v1/operator/revisions/rollback {"cluster":"lab","remove":true,"revision":"41"})");
}

TEST_CASE("etcd is given up with --force, told by the status and taken back with --cancel") {
  const OperatorApi api(
      {{"POST /v1/operator/clusters/lab/reinitialise", {200, R"({"cluster":"lab"})"}},
       {"GET /v1/operator/status",
        {200,
         R"({"clusters":[{"cluster":"lab","reset":2,"reinitialisation":{"orderedAt":1795241403,)"
         R"("by":"operator anna","restoredOn":"","canBeCancelled":true}}]})"}}});
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TZ", "UTC", 1);
  tzset();
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--server", api.url()});
    return fake::muster(words);
  };
  CHECK(run({"cluster", "reinitialise", "lab", "--confirm", "--force"})
            .out.ends_with("until then, muster cluster reinitialise lab --cancel takes it back\n"));
  CHECK(api.asked().back().ends_with(R"({"confirm":"lab","force":true})"));
  CHECK(run({"cluster", "reinitialise", "lab", "--cancel"}).out ==
        "lab: taken back; its etcd is known as before\n");
  CHECK(api.asked().back().ends_with(R"({"cancel":true})"));
  CHECK(run({"cluster", "reinitialise", "lab", "--cancel", "-o", "json"}).out ==
        "{\n  \"cluster\": \"lab\"\n}\n");
  const auto status = run({"status"}).out;
  CHECK(
      status.find(
          "lab: etcd reinitialised at 2026-11-21 06:10:03 UTC by operator anna, and none runs yet; muster cluster reinitialise lab --cancel takes it back\n") !=
      std::string::npos);
  CHECK(status.find("lab: 2 machine(s) were reset (muster node list, STATE)\n") !=
        std::string::npos);
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  tzset();
}

TEST_CASE("a node that there is not is said to be none, with the nearest name") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=n11", {200, R"({"nodes":[]})"}},
       {"GET /v1/operator/nodes?limit=10000",
        {200, R"({"nodes":[{"cluster":"lab","node":"m1"},{"cluster":"lab","node":"n1"}]})"}},
       {"GET /v1/operator/audit?tail=100&node=n11", {200, R"({"rows":[]})"}}});
  auto ran = fake::muster({"--server", api.url(), "node", "show", "n11"});
  CHECK(ran.exit == 1);
  CHECK(
      ran.err ==
      "muster: no cluster has a node 'n11', did you mean 'n1'?; 'muster node list' shows them all. One that the inventory no longer lists needs --cluster\n");
  ran = fake::muster({"--server", api.url(), "audit", "--node", "n11"});
  CHECK(ran.out.ends_with("no row of a machine 'n11' is among them\n"));
}
