#include "agent/node/node_marks.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/readiness.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

std::string node_json(const std::string& uid, const std::string& spec,
                      const std::string& annotations = "") {
  return R"({"metadata":{"uid":")" + uid + R"(","annotations":{)" + annotations + R"(}},"spec":{)" +
         spec +
         R"(},"status":{"nodeInfo":{"bootID":"boot-1"},"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026"}]}})";
}

constexpr const char* taints =
    R"("taints":[{"key":"maintenance","value":"disk","effect":"NoSchedule"},{"key":"ours","effect":"NoExecute"},{"key":"node.kubernetes.io/unschedulable","effect":"NoSchedule"}])";

}  // namespace

TEST_CASE("what a person set on a Node is told apart from what Kubernetes and Muster set") {
  const auto seen = marks_in(node_json("u1", std::string(R"("unschedulable":true,)") + taints,
                                       R"("muster/taints":"ours:NoExecute")"));
  REQUIRE(seen);
  CHECK(seen->marks.uid == "u1");
  CHECK(seen->marks.is_cordoned);
  CHECK(seen->marks.taints == std::vector<std::string>{"maintenance=disk:NoSchedule"});
  const auto drained =
      marks_in(node_json("u1", R"("unschedulable":true)", R"("muster/drain":"drained")"));
  REQUIRE(drained);
  CHECK(drained->takes_no_pods);
  CHECK_FALSE(drained->marks.is_cordoned);
  for (const char* odd :
       {"", "[]", "{}", R"({"metadata":3})", R"({"metadata":{"uid":"u"},"spec":[]})"})
    CHECK_FALSE(marks_in(odd).value_or(NodeSeen{}).takes_no_pods);
}

TEST_CASE("another object is cordoned as the one before, and lost taints are told for a day") {
  const NodeMarks before{"u1", true, {"a=b:NoSchedule"}, {}, 0};
  const auto decision = decide_marks(before, {{"u2", false, {}, {}, 0}, false}, 1000);
  CHECK(decision.has_to_cordon);
  CHECK(decision.marks.is_cordoned);
  CHECK(
      lost_taints_text(decision.marks, "n1", 1000) ==
      "the Node object was deleted, and is back without taints that a person had set: kubectl taint nodes n1 a=b:NoSchedule");
  CHECK(lost_taints_text(decision.marks, "n1", 1000 + 90'000).empty());
  // Set again; and who uncordons the same object means it.
  const auto later =
      decide_marks(decision.marks, {{"u2", false, {"a=b:NoSchedule"}, {}, 0}, false}, 2000);
  CHECK_FALSE(later.has_to_cordon);
  CHECK_FALSE(later.marks.is_cordoned);
  CHECK(later.marks.lost.empty());
  CHECK_FALSE(decide_marks({}, {{"u1", false, {}, {}, 0}, false}, 1).has_to_cordon);
  CHECK_FALSE(decide_marks(before, {{"u2", true, {}, {}, 0}, true}, 1).has_to_cordon);
}

TEST_CASE("a Node that a person cordoned is cordoned again when it comes back") {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  Checkpoint checkpoint;
  Memory memory;
  for (const char* file : {"ca.crt", "tls.crt", "tls.key"}) {
    machine.files.put(paths::certificate("kubelet-client", file), "PEM");
  }
  std::string uid = "u1", spec = R"("unschedulable":true)";
  network.on_node = [&] { return ApiAnswer{200, node_json(uid, spec)}; };
  int status = 0;
  machine.process.answer = [&](const ProcessRequest&) {
    return ProcessOutcome{status, "", status == 0 ? "" : "error: connection was refused\n"};
  };
  const auto poll = [&] {
    memory.own_unwell.clear();
    Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
    Run run{machine.host, network,  settings,
            checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
            false,        false,    memory};
    ExitWatch exits({});
    CHECK(await_node_ready(run, example_document(), example_peers(), {"boot-1", {}}, exits,
                           std::chrono::seconds(0)));
  };
  poll();
  CHECK(machine.process.runs.empty());
  REQUIRE(save(checkpoint, machine.files));
  checkpoint = *load_checkpoint(machine.files);  // the agent was restarted meanwhile
  uid = "u2";
  spec = R"("podCIDR":"")";
  status = 1;
  poll();
  REQUIRE(memory.own_unwell.size() == 1);
  CHECK(
      memory.own_unwell[0].message ==
      "was cordoned by a person, and its new Node object is not: kubectl cordon: expected exit status 0, found 1: error: connection was refused; kubectl cordon m1");
  status = 0;
  poll();
  CHECK(memory.own_unwell.empty());
  REQUIRE(machine.process.runs.size() == 2);
  CHECK(machine.process.runs[1] ==
        std::vector<std::string>{"/opt/muster/current/kubernetes-node/bin/kubectl", "--kubeconfig",
                                 "/etc/kubernetes/kubelet.kubeconfig", "cordon", "m1"});
  spec = R"("unschedulable":true)";
  poll();
  CHECK(machine.process.runs.size() == 2);
}
