// apply --wait, --upgrade, and what diff tells of newer releases.
#include <doctest/doctest.h>

#include <fstream>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

struct Folder {
  ScratchFolder folder;
  Folder() {
    std::ofstream(folder.path("site.yaml"))
        << "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
           "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n---\n"
           "apiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
           "spec: {cluster: lab, role: master, address: 10.77.0.11}\n";
  }
};

std::map<std::string, OperatorApi::Answer> answers(const std::string& counts) {
  return {
      {"POST /v1/operator/apply",
       {200,
        R"({"revisions":{"lab":"sha256:new"},"basedOn":{"lab":"sha256:old"},"changes":[],"upgrades":[{"cluster":"lab",)"
        R"("release":"containerd","from":"2.4.2","to":"2.9.0"},{"cluster":"lab",)"
        R"("release":"cri-tools","from":"","to":"1.34.0"}]})"}},
      {"GET /v1/operator/status",
       {200, R"({"clusters":[{"cluster":"other","converging":9},{)"
             R"("cluster":"lab",)" +
                 counts + "}]}"}},
      {"GET /v1/operator/nodes?cluster=lab",
       {200,
        R"({"nodes":[{"cluster":"lab","node":"m1","standing":"converged"},{"cluster":"lab",)"
        R"("node":"n1","standing":"failed","reason":"disk full","cure":"free some"},)"
        R"({"cluster":"lab","node":"n2","standing":"failed","configuration":"fallen-back",)"
        R"("reason":"kubelet exits"},{"cluster":"lab","node":"n3","standing":"never-enrolled",)"
        R"("reason":"waits for approval"},{"cluster":"lab","node":"n4","standing":"converging"}]})"}}};
}

fake::Ran apply(const std::string& counts, std::vector<std::string> more) {
  const Folder folder;
  const OperatorApi api(answers(counts));
  std::vector<std::string> words = {"--server", api.url(), "apply", folder.folder.path()};
  words.insert(words.end(), more.begin(), more.end());
  return fake::muster(words);
}

}  // namespace

TEST_CASE("apply --wait ends when what is published is in effect, or waits for its turn") {
  const auto done =
      apply(R"("machines":4,"converged":2,"pendingChanges":1,"banned":1)", {"--wait"});
  CHECK(done.exit == 0);
  CHECK(done.err == "lab: 2 of 3 converged, 1 wait for their turn or a reboot\n");
}

TEST_CASE("apply --wait names where a machine failed or fell back, and why") {
  const auto failed = apply(R"("machines":3,"converged":1,"failed":2)", {"--wait"});
  CHECK(failed.exit == 6);
  CHECK(failed.err ==
        "lab: 1 of 3 converged, 2 failed\n"
        "lab/n1: failed: disk full\n  cure: free some\n"
        "lab/n2: fell back to the document before: kubelet exits\n"
        "lab/n3: never enrolled: waits for approval\n"
        "lab/n4: on its way\n"
        "muster: not in effect on 2 of 3 machine(s); muster status goes on\n");
}

TEST_CASE("apply --wait waits for machines that never enrolled, and ends with its time") {
  const auto late = apply(R"("machines":4,"converging":1,"silent":1,"neverEnrolled":2)",
                          {"--wait", "--timeout", "1s"});
  CHECK(late.exit == 6);
  CHECK(late.err.starts_with(
      "lab: 0 of 4 converged, 1 on their way, 1 silent, 2 never enrolled\nlab/n1: failed"));
  CHECK(late.err.ends_with(
      "muster: not in effect on 4 of 4 machine(s) after 1s; muster status goes on\n"));
}

TEST_CASE("apply --wait does not take a cluster that is deleted meanwhile for one in effect") {
  const Folder folder;
  auto answered = answers("");
  answered["GET /v1/operator/status"] = {200, R"({"clusters":[{"cluster":"other"}]})"};
  const OperatorApi api(answered);
  const auto ran = fake::muster({"--server", api.url(), "apply", folder.folder.path(), "--wait"});
  CHECK(ran.exit == 6);
  CHECK(
      ran.err ==
      "muster: cluster 'lab' is gone: somebody deleted it while this waited; see `muster audit`\n");
}

TEST_CASE("apply --wait ends where another operator's revision takes the place of its own") {
  const Folder folder;
  auto answered = answers(R"("machines":1,"converged":1,"revisionNumber":14,"content":13)");
  auto& applied = answered["POST /v1/operator/apply"].body;
  applied.insert(1, R"("contents":{"lab":12},)");
  answered["GET /v1/operator/revisions?cluster=lab"] = {
      200,
      R"({"revisions":[{"number":14,"actor":"machine w-1","content":13,"cause":"w-1 admitted"},)"
      R"({"number":13,"actor":"operator anna","cause":"back to revision 11"},{"number":12}]})"};
  const auto wait = [&] {
    const OperatorApi api(answered);
    return fake::muster({"--server", api.url(), "apply", folder.folder.path(), "--wait"});
  };
  const auto overtaken = wait();
  CHECK(overtaken.exit == 6);
  CHECK(
      overtaken.err ==
      "muster: cluster 'lab': revision 12 was overtaken: operator anna published revision 13 (back to revision 11) while this waited; see `muster revision diff 12 13 --cluster lab`, then apply again if yours is to hold\n");

  // What machines caused since then is its own revision still.
  applied.replace(applied.find("12"), 2, "13");
  const auto own = wait();
  CHECK(own.exit == 0);
  CHECK(own.err == "lab: 1 of 1 converged\n");
}

TEST_CASE("diff and apply tell which newer releases are not taken, and how they are") {
  const Folder folder;
  const OperatorApi api(answers(""));
  const auto ran = fake::muster(
      {"--server", api.url(), "diff", folder.folder.path(), "--upgrade", "runc,pause"});
  CHECK(ran.exit == 0);
  CHECK(ran.out ==
        "0 machines unchanged\n"
        "lab: containerd stays at 2.4.2; muster apply --upgrade containerd takes 2.9.0\n"
        "lab: cri-tools is not taken by itself; muster apply --upgrade cri-tools takes 1.34.0\n"
        "lab: compared with revision sha256:old\n");
  CHECK(api.asked().back().find(R"("upgrade":["runc","pause"])") != std::string::npos);
}

TEST_CASE("apply lets the server read the inventory, and shows what it says of it") {
  const Folder folder;
  const std::string problem =
      R"({"file":"site.yaml","line":3,"column":7,"field":"spec","message":"expected a, found b"})";
  const OperatorApi sound({{"POST /v1/operator/apply",
                            {200, R"({"revisions":{"lab":"sha256:new"},"basedOn":{"lab":""},)"
                                  R"("changes":[],"warnings":[)" +
                                      problem + "]}"}}});
  auto ran = fake::muster({"--server", sound.url(), "apply", folder.folder.path()});
  CHECK(ran.exit == 0);
  CHECK(ran.err == "warning: site.yaml:3:7: spec: expected a, found b\n");
  CHECK(ran.out == "0 machines unchanged\nlab: revision sha256:new\n");
  REQUIRE(sound.asked().size() == 1);
  CHECK(sound.asked()[0].find(R"("clusters":[],"dryRun":false)") != std::string::npos);
  CHECK(sound.asked()[0].find(R"("onCurrent":true)") != std::string::npos);
  CHECK(fake::muster({"--server", sound.url(), "diff", folder.folder.path()}).out ==
        "0 machines unchanged\nlab: compared with revision none\n");

  const OperatorApi unsound(
      {{"POST /v1/operator/apply",
        {400, R"({"kind":"inventory","message":"inventory: refused, 1 problem","problems":[)" +
                  problem + R"(],"requestId":"r1"})"}}});
  ran = fake::muster({"--server", unsound.url(), "apply", folder.folder.path()});
  CHECK(ran.exit == 3);
  CHECK(ran.err ==
        "muster: inventory: refused, 1 problem (request r1)\n"
        "site.yaml:3:7: spec: expected a, found b\n");
}

TEST_CASE("bytes that JSON would spoil are refused before the server is asked") {
  const Folder folder;
  std::ofstream(folder.folder.path("more.yaml")) << "# \xff\n";
  const OperatorApi api(answers(""));
  const auto ran = fake::muster({"--server", api.url(), "apply", folder.folder.path()});
  CHECK(ran.exit == 3);
  CHECK(ran.err.find("more.yaml:1:3: expected UTF-8 text, found byte 0xff") != std::string::npos);
  CHECK(api.asked().empty());
}
