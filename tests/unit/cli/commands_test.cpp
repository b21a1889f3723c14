// Commands against a server that answers as the operator's API does.
#include <doctest/doctest.h>

#include <fstream>

#include "fakes/golden.hpp"
#include "operator_api.hpp"
#include "pki/signature.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

const OperatorApi::Answer two_nodes = {
    200,
    R"({"nodes":[{"cluster":"lab","node":"m1","role":"master","address":"10.77.0.11",)"
    R"("state":"enrolled","verdict":"converged","generation":3,"pending":[],"reason":"converged, unwell since 14:02 UTC: kubelet NotReady"},)"
    R"({"cluster":"lab","node":"knoten-ü","role":"node","address":"10.77.0.21","state":"enrolled",)"
    R"("verdict":"pending-changes\u001b[2J","generation":12,"pending":["a","b"]}]})"};

std::string refusal(int /*status*/, const std::string& kind, const std::string& message) {
  return R"({"kind":")" + kind + R"(","message":")" + message + R"(","requestId":"r1"})";
}

}  // namespace

TEST_CASE("node list is a table, or the server's JSON") {
  const OperatorApi api({{"GET /v1/operator/nodes?limit=1000", two_nodes}});
  const auto table = fake::muster({"--server", api.url(), "node", "list"});
  CHECK(table.exit == 0);
  CHECK(table.err.empty());
  check_golden("cli/node_list.txt", table.out);
  const auto json = fake::muster({"--server", api.url(), "node", "list", "-o", "json"});
  CHECK(nlohmann::json::parse(json.out)["nodes"].size() == 2);
}

TEST_CASE("node list asks page after page, and for no more than it shall show") {
  const auto page = [](const std::string& node, const std::string& next) {
    return OperatorApi::Answer{
        200, R"({"nodes":[{"cluster":"lab","node":")" + node + R"("}],"next":")" + next + R"("})"};
  };
  const OperatorApi api(
      {{"GET /v1/operator/nodes?limit=1000&cluster=lab", page("n1", "lab/n1")},
       {"GET /v1/operator/nodes?limit=1000&cluster=lab&after=lab/n1", page("n2", "")},
       {"GET /v1/operator/nodes?limit=1", page("n1", "lab/n1")}});
  const auto all =
      fake::muster({"--server", api.url(), "node", "list", "--cluster", "lab", "-o", "json"});
  const auto rows = nlohmann::json::parse(all.out)["nodes"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[1]["node"] == "n2");
  const auto one = fake::muster({"--server", api.url(), "node", "list", "--limit", "1"});
  CHECK(one.exit == 0);
  CHECK(one.out.find("n1") != std::string::npos);
  CHECK(api.asked().size() == 3);
}

TEST_CASE("node show and timeline") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=m1", two_nodes},
       {"GET /v1/operator/nodes/lab/m1",
        {200,
         R"({"cluster":"lab","node":"m1","role":"master","address":"10.77.0.11","state":"enrolled",)"
         R"("fingerprint":"sha256:ab","generation":3,"digest":"sha256:cd","agentTooOld":"upgrade the agent of m1 first: x","report":{"agentVersion":"0.2.0","verdict":)"
         R"("failed","failureClass":"disk","message":"one\ntwo","pending":["kubelet: maxPods 110 -> 120"],)"
         R"("configuration":"fallen-back","fetchedDigest":"sha256:03","documentDigest":"sha256:01",)"
         R"("pendingDigest":"sha256:02","refusedDocument":{"digest":"sha256:03","reason":"kubelet exits\u001b[2J"},)"
         R"("unwell":[{"subject":"kubelet","message":"NotReady","since":0}],)"
         R"("failure":{"unit":"kubelet.service","log":["unknown field\u001b[2J"],"cure":"x"},)"
         R"("phases":[{"name":"kernel","startUs":1500000,"endUs":4250000,"detail":""},)"
         R"({"name":"fetch","startUs":4250000,"endUs":0,"detail":""}]},)"
         R"("reason":"failed (disk): one","cure":"free space","boot":null})"}}});
  check_golden("cli/node_show.txt",
               fake::muster({"--server", api.url(), "node", "show", "m1"}).out);
  check_golden(
      "cli/node_timeline.txt",
      fake::muster({"--server", api.url(), "node", "timeline", "m1", "--cluster", "lab"}).out);
}

TEST_CASE(
    "a refusal's reason is told once, and where units run on two documents none is in force") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes/lab/m1",
        {200,
         R"({"cluster":"lab","node":"m1","report":{"verdict":"failed","failureClass":"kubelet","message":"kubelet exits",)"
         R"("configuration":"fallen-back","fetchedDigest":"sha256:03","documentDigest":"",)"
         R"("refusedDocument":{"digest":"sha256:03","reason":"kubelet exits"}}})"}}});
  CHECK(fake::muster({"--server", api.url(), "node", "show", "m1", "--cluster", "lab"}).out ==
        "node         lab/m1\n"
        "verdict      failed\n"
        "configured   fallen-back\n"
        "fetched      sha256:03\n"
        "in force     none wholly\n"
        "refused      sha256:03\n"
        "because      kubelet exits\n"
        "class        kubelet\n");
}

TEST_CASE("a boot's timeline stands apart from what the machine did after it") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes/lab/m1",
        {200, R"({"node":"m1","boot":{"phases":[{"name":"kernel","startUs":0,"endUs":)"
              R"(4000000,"detail":""},{"name":"fetch","startUs":4000000,"endUs":5000000,)"
              R"("detail":""}]},"report":{"phases":[{"name":"kernel","startUs":0,"endUs":)"
              R"(429000000,"detail":""},{"name":"fetch","startUs":429000000,"endUs":)"
              R"(430000000,"detail":""}]}})"}}});
  CHECK(fake::muster({"--server", api.url(), "node", "timeline", "m1", "--cluster", "lab"}).out ==
        "m1: boot timeline, seconds since power-on\n"
        "      0.00      4.00  kernel               \n"
        "      4.00      1.00  fetch                \n"
        "the last converge after it\n"
        "    429.00      1.00  fetch                \n");
}

TEST_CASE("status names the worst machines and strangers, with their cures") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200, R"({"clusters":[],"pendingApprovals":1,"worst":[{"cluster":"lab","node":"n1",)"
              R"("reason":"failed (disk): full\u001b[2J","cure":"free space"}],"strangers":[)"
              R"({"source":"10.77.0.9","hostname":"x","reason":"not let in: y","cure":""}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(ran.out.find("lab/n1: failed (disk): full\\x1b[2J\n  cure: free space\n"
                     "10.77.0.9 ('x'): not let in: y\n1 machine(s) wait") != std::string::npos);
}

TEST_CASE("a machine's end: what is ordered, and how far it is") {
  const std::string node = "GET /v1/operator/nodes/lab/m1",
                    order = "POST /v1/operator/nodes/lab/m1/";
  const OperatorApi::Answer drained{
      200, R"({"node":"m1","state":"drained","drain":{"phase":"drained","message":""}})"};
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=m1", two_nodes},
       {node, drained},
       {order + "drain", {}},
       {order + "undrain", {}},
       {order + "remove",
        {200, R"({"cluster":"lab","node":"m1","draining":true,"undrained":""})"}}});
  auto ran = fake::muster({"--server", api.url(), "node", "drain", "m1", "--wait"});
  CHECK(ran.exit == 0);
  CHECK(ran.out == "lab/m1: it takes no more pods; those that it has are sent away\n");
  CHECK(ran.err == "m1: drained\n");
  CHECK(fake::muster({"--server", api.url(), "node", "undrain", "m1"}).exit == 0);
  CHECK(api.asked().back() == order + "undrain {}");
  ran = fake::muster({"--server", api.url(), "node", "remove", "m1", "--timeout", "2m"});
  CHECK(ran.out == "lab/m1: drained first, then removed; `muster node show` tells how far it is\n");
  CHECK(api.asked().back() == order + R"(remove {"drain":true,"timeoutSeconds":120})");

  const OperatorApi gone({{"GET /v1/operator/nodes?node=m1", two_nodes},
                          {order + "remove",
                           {200, R"({"cluster":"lab","node":"m1","draining":false,)"
                                 R"("undrained":"it never reported"})"}}});
  ran = fake::muster({"--server", gone.url(), "node", "remove", "m1", "--wait"});
  CHECK(ran.exit == 0);
  CHECK(ran.out == "lab/m1: removed, undrained: it never reported\n");
  CHECK(ran.err == "m1: nothing is left of it\n");
  CHECK(fake::muster({"--server", gone.url(), "node", "drain", "m1", "--timeout", "5s"}).err ==
        "muster: --timeout: expected 1m to 24h, found '5s'\n");
  CHECK(fake::muster({"--server", gone.url(), "node", "remove", "m1", "--timeout", "soon"}).err ==
        "muster: --timeout: expected a time such as 90s, 15m, 4h or 2d, found 'soon'\n");
}

TEST_CASE("who waits for a machine's end is told where the order is no more") {
  const std::string node = "GET /v1/operator/nodes/lab/m1",
                    order = "POST /v1/operator/nodes/lab/m1/";
  const auto wait = [&](const std::string& verb, const std::string& state) {
    const OperatorApi api({{node, {200, R"({"cluster":"lab","node":"m1",)" + state + "}"}},
                           {order + "drain", {}},
                           {order + "remove", {200, R"({"draining":true})"}}});
    return fake::muster({"--server", api.url(), "node", verb, "m1", "--cluster", "lab", "--wait"});
  };
  auto ran = wait("drain", R"("state":"enrolled","drain":null)");
  CHECK(ran.exit == 6);
  CHECK(
      ran.err ==
      "m1: enrolled\n"
      "muster: lab/m1: its drain was taken back while this waited; see `muster audit --node m1`\n");
  ran = wait("remove", R"("state":"enrolled","drain":null)");
  CHECK(ran.exit == 6);
  CHECK(
      ran.err ==
      "m1: enrolled\n"
      "muster: lab/m1: its removal was taken back while this waited; see `muster audit --node m1`\n");
  // A frozen one's removal goes on.
  const OperatorApi frozen(
      {{node,
        {200,
         R"({"cluster":"lab","node":"m1","state":"frozen","drain":{"phase":"draining","remove":true}})",
         R"({"cluster":"lab","node":"m1","state":"left","drain":null})"}},
       {order + "remove", {200, R"({"draining":true})"}}});
  ran = fake::muster(
      {"--server", frozen.url(), "node", "remove", "m1", "--cluster", "lab", "--wait"});
  CHECK(ran.exit == 0);
  CHECK(ran.err == "m1: frozen\nm1: left\n");
  ran = wait("remove", R"("state":"draining","drain":{"phase":"draining","remove":false})");
  CHECK(ran.exit == 6);
  CHECK(
      ran.err ==
      "m1: draining\n"
      "muster: lab/m1: a drain took the place of its removal while this waited; see `muster audit --node m1`\n");
  ran = wait("remove",
             R"("state":"drain-given-up","drain":{"phase":"drain-given-up","remove":false})");
  CHECK(ran.exit == 1);
  CHECK(ran.err == "m1: drain-given-up\n");
}

TEST_CASE("a list of operators tells who may not come any more") {
  const OperatorApi api(
      {{"GET /v1/operator/operators",
        {200,
         R"({"operators":[{"name":"anna","fingerprint":"sha256:a","revoked":true,"limits":null},)"
         R"({"name":"bert","fingerprint":"sha256:b","revoked":false,"limits":null}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "operator", "list"});
  CHECK(ran.out ==
        "NAME  EXPIRES  ACCESS   FINGERPRINT  LIMITS\n"
        "anna  -        revoked  sha256:a     -\n"
        "bert  -        -        sha256:b     -\n");
}

TEST_CASE("limits of an operator are given together, or lifted") {
  const OperatorApi api({{"PUT /v1/operator/operators/ci/limits",
                          {200, R"({"name":"ci","limits":{"templates":["a","b"],"clusters":2,)"
                                R"("machines":9,"ttlSeconds":7200}})"}}});
  auto ran = fake::muster({"--server", api.url(), "operator", "limit", "ci", "--templates", "a,b",
                           "--clusters", "2", "--machines", "9", "--ttl", "2h"});
  CHECK(ran.out == "operator ci: 2 cluster(s) of a, b, 9 machine(s), 2h 0m\n");
  CHECK(api.asked().back() ==
        R"(PUT /v1/operator/operators/ci/limits {"limits":{"clusters":2,"machines":9,)"
        R"("templates":["a","b"],"ttlSeconds":7200}})");
  ran = fake::muster({"--server", api.url(), "operator", "limit", "ci", "--clusters", "2"});
  CHECK(ran.exit == 2);
  CHECK(
      ran.err ==
      "muster: limits: expected --templates, --clusters and --machines together, found some of them\n");
  ran = fake::muster({"--server", api.url(), "operator", "limit", "ci"});
  CHECK(ran.exit == 2);
  CHECK(ran.err == "muster: operator limit: expected limits, or --none, found neither or both\n");
}

TEST_CASE("an order finds the node's cluster by itself") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=m1", two_nodes},
       {"GET /v1/operator/nodes?node=m9", {200, R"({"nodes":[]})"}},
       {"POST /v1/operator/nodes/lab/m1/converge",
        {200, R"({"cluster":"lab","node":"m1","order":"converge","waitsFor":""})"}},
       {"POST /v1/operator/nodes/lab/m1/unfreeze", {}}});
  const auto ran = fake::muster({"--server", api.url(), "node", "converge", "m1"});
  CHECK(ran.out == "lab/m1: ordered; it takes its turn at its next poll\n");
  CHECK(ran.exit == 0);
  CHECK(
      fake::muster({"--server", api.url(), "node", "unfreeze", "m1", "--keep", "sha256:ab"}).exit ==
      0);
  CHECK(api.asked().back() == R"(POST /v1/operator/nodes/lab/m1/unfreeze {"keep":"sha256:ab"})");
  const auto unknown = fake::muster({"--server", api.url(), "ban", "m9"});
  CHECK(unknown.exit == 1);
  CHECK(
      unknown.err ==
      "muster: no cluster has a node 'm9'; 'muster node list' shows them all. One that the inventory no longer lists needs --cluster\n");
}

TEST_CASE("several are ordered to converge, each says what it waits for") {
  const OperatorApi api(
      {{"POST /v1/operator/nodes/lab/m1/converge",
        {200, R"({"cluster":"lab","node":"m1","order":"converge","waitsFor":""})"}},
       {"POST /v1/operator/nodes/lab/m2/converge",
        {200,
         R"({"cluster":"lab","node":"m2","order":"converge","waitsFor":"m1 has the turn"})"}}});
  auto ran =
      fake::muster({"--server", api.url(), "node", "converge", "m1", "m2", "--cluster", "lab"});
  CHECK(ran.exit == 0);
  CHECK(ran.out ==
        "lab/m1: ordered; it takes its turn at its next poll\n"
        "lab/m2: ordered; it waits for its turn: m1 has the turn\n");
  const OperatorApi cancelled(
      {{"POST /v1/operator/nodes/lab/m1/converge",
        {200, R"({"cluster":"lab","node":"m1","order":"cancel-converge"})"}}});
  ran = fake::muster({"--server", cancelled.url(), "node", "converge", "m9", "m1", "--cancel",
                      "--cluster", "lab"});
  CHECK(ran.exit == 1);  // of m9, which nobody knows
  CHECK(ran.out == "lab/m1: cancelled; what it began already, it ends\n");
  CHECK(cancelled.asked().back() == R"(POST /v1/operator/nodes/lab/m1/converge {"cancel":true})");
}

TEST_CASE("who has the turn is in status and in the list") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200,
         R"({"clusters":[{"cluster":"lab","turns":{"m1":{"state":"holds","since":60},"m2":{"state":"waits","since":61},"m3":{"state":"waits","since":61}}}]})"}},
       {"GET /v1/operator/nodes/lab/m2",
        {200,
         R"({"cluster":"lab","node":"m2","turn":{"state":"waits","since":61,"by":"operator anna","message":"m1 has the turn"}})"}}});
  CHECK(
      fake::muster({"--server", api.url(), "status"})
          .out.find(
              "lab: m1 has the turn since 1970-01-01 00:01:00 UTC; m2, m3 wait for their turns (muster node show tells what for, muster node converge NAME --cancel ends it)\n") !=
      std::string::npos);
  CHECK(
      fake::muster({"--server", api.url(), "node", "show", "m2", "--cluster", "lab"})
          .out.find(
              "turn         waits since 1970-01-01 00:01:01 UTC, ordered by operator anna: m1 has the turn\n") !=
      std::string::npos);
}

TEST_CASE("how many are listed is a number that can be read") {
  const auto ran = fake::muster({"node", "list", "--limit", "0"});
  CHECK(ran.exit == 2);
  CHECK(ran.err ==
        "muster: --limit: Value 0 not in range 1 to 1000000; see muster node list --help\n");
}

TEST_CASE("revisions are listed with the machines that each has") {
  const OperatorApi api(
      {{"GET /v1/operator/revisions?cluster=lab",
        {200,
         R"({"cluster":"lab","revisions":[)"
         R"({"number":2,"revision":"sha256:b","actor":"member lab/n9","machines":3,"content":1,"cause":"admitted n9"},)"
         R"({"number":1,"revision":"sha256:a","actor":"operator anna","cause":"inventory","missingSecrets":["db","tls"]}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "revision", "list", "--cluster", "lab"});
  CHECK(ran.exit == 0);
  CHECK(
      ran.out ==
      "NUMBER  REVISION  PUBLISHED  BY             MACHINES  FILES OF  WHAT FOR\n"
      "2       sha256:b  -          member lab/n9  3         1         admitted n9\n"
      "1       sha256:a  -          operator anna  -         -         inventory; needs what was removed: secret db, tls\n");
}

TEST_CASE("a node of several clusters needs the cluster") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?node=m1",
        {200, R"({"nodes":[{"cluster":"a","node":"m1"},{"cluster":"b","node":"m1"}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "node", "remove", "m1"});
  CHECK(ran.exit == 5);
  CHECK(ran.err == "muster: several clusters have a node 'm1': a, b; say which with --cluster\n");
}

TEST_CASE("a refusal is exit 5 with the server's words, made safe for a terminal") {
  const OperatorApi api(
      {{"POST /v1/operator/approve", {409, refusal(409, "conflict", "taken by \\u001b[31mm1")}}});
  const auto ran = fake::muster(
      {"--server", api.url(), "approve", "n4", "--fingerprint", "sha256:ab", "--cluster", "lab"});
  CHECK(ran.exit == 5);
  CHECK(ran.out.empty());
  CHECK(ran.err == "muster: taken by \\x1b[31mm1 (request r1)\n");
  CHECK(api.asked().back() ==
        R"(POST /v1/operator/approve {"cluster":"lab","fingerprint":"sha256:ab","name":"n4"})");
}

TEST_CASE("a busy server is exit 4 without a guess at its absence") {
  const OperatorApi api(
      {{"GET /v1/operator/status", {503, refusal(503, "unavailable", "starting; ask again")}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(ran.exit == 4);
  CHECK(ran.err == "muster: starting; ask again (request r1)\n");
}

TEST_CASE("an answer that is not JSON is a failure, not a crash") {
  const OperatorApi api({{"GET /v1/operator/status", {200, "<html>"}},
                         {"GET /v1/operator/releases", {200, R"({"releases":[7,{"size":"x"}]})"}}});
  CHECK(fake::muster({"--server", api.url(), "status"}).exit == 1);
  CHECK(fake::muster({"--server", api.url(), "release", "list"}).exit == 0);
}
