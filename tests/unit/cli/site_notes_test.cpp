#include <doctest/doctest.h>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("status says what is wrong with the server itself, before its machines") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200,
         R"({"clusters":[],"pendingApprovals":0,)"
         R"("clock":{"believed":false,"message":"the clock was set","cure":"confirm it"},)"
         R"("quarantined":[{"cluster":"lab","reason":"refused:\nlab.yaml:3:1\u001b[2J","cure":"apply"}],)"
         R"("backgroundTasks":[{"name":"schedule","failuresInRow":0,"lastError":"old"},)"
         R"({"name":"audit-archive","failuresInRow":3,"lastErrorAt":0,"lastError":"disk full"}],)"
         R"("worst":[{"cluster":"lab","node":"n1","reason":"silent","cure":""}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(
      ran.out.find(
          "the clock was set\n  cure: confirm it\n"
          "cluster lab is in quarantine: it is served as it was, and nothing new is published for it\n"
          "  refused:\n"
          "  lab.yaml:3:1\\x1b[2J\n"
          "  cure: apply\n"
          "background task audit-archive: failed 3 times in a row, last at : disk full\n"
          "lab/n1: silent\n") != std::string::npos);
}

TEST_CASE("what cannot be read of one cluster is told, and the others are listed") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200,
         R"({"clusters":[{"cluster":"dem","machines":2,"unread":{"reason":"machine 'dem/m-1': refused",)"
         R"("cure":"restore it"}},{"cluster":"lab","machines":3,"converged":3}],)"
         R"("unreadRecords":[{"kind":"token","name":"00c0ffee","reason":"refused, 1 problem:\n/: expected JSON","cure":"muster token revoke 00c0ffee"}],)"
         R"("incompleteReleases":[{"name":"etcd","version":"3.6","unread":"refused"}]})"}},
       {"GET /v1/operator/nodes?limit=1000",
        {200,
         R"({"nodes":[],"unread":[{"cluster":"dem","reason":"machine 'dem/m-1': refused"}],"next":""})"}}});
  auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(ran.exit == 0);
  CHECK(ran.out.find("cluster dem: its machines cannot be counted: machine 'dem/m-1': refused\n"
                     "  cure: restore it\n") != std::string::npos);
  CHECK(ran.out.find(
            "token 00c0ffee: its record cannot be read: refused, 1 problem: /: expected JSON\n"
            "  cure: muster token revoke 00c0ffee\n") != std::string::npos);
  CHECK(
      ran.out.find(
          "release etcd 3.6: its record cannot be read; import it again with muster release import: refused\n") !=
      std::string::npos);
  ran = fake::muster({"--server", api.url(), "node", "list"});
  CHECK(ran.exit == 0);
  CHECK(ran.err == "muster: cluster dem is left out: machine 'dem/m-1': refused\n");
  ran = fake::muster({"--server", api.url(), "node", "list", "-o", "json"});
  CHECK(nlohmann::json::parse(ran.out).at("unread").at(0).at("cluster") == "dem");
}

TEST_CASE("of a node that no cluster which can be read has, it is not said that none has it") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=m3",
        {200,
         R"({"nodes":[],"banned":[],"unread":[{"cluster":"dem","reason":"machine 'dem/m3': refused"}],"next":""})"}}});
  const auto ran = fake::muster({"--server", api.url(), "node", "show", "m3"});
  CHECK(ran.exit == 1);
  CHECK(
      ran.err ==
      "muster: no cluster that can be read has a node 'm3', and cluster 'dem' cannot; say with --cluster if it is meant: machine 'dem/m3': refused\n");
}

TEST_CASE("the clock is shown, and confirmed with this machine's own") {
  const OperatorApi api(
      {{"GET /v1/operator/clock",
        {200, R"({"time":1796000000,"message":"the clock was set","cure":"confirm it"})"}},
       {"POST /v1/operator/clock/confirm", {200, R"({"time":1796000000,"message":""})"}}});
  auto ran = fake::muster({"--server", api.url(), "clock", "show"});
  CHECK(ran.out == "2026-11-30 00:53:20 UTC  in doubt\nthe clock was set\n  cure: confirm it\n");
  const auto before = std::time(nullptr);
  ran = fake::muster({"--server", api.url(), "clock", "confirm"});
  CHECK(ran.out == "2026-11-30 00:53:20 UTC  believed\n");
  const std::string& asked = api.asked().back();
  const std::string expected = "POST /v1/operator/clock/confirm {\"time\":";
  REQUIRE(asked.starts_with(expected));
  const auto sent = std::stoll(asked.substr(expected.size()));
  CHECK(sent >= before);
  CHECK(sent <= before + 60);
}
