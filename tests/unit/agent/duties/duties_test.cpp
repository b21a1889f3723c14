// The duties against a fake kubectl that records every call.
#include "agent/duties/duties.hpp"

#include <doctest/doctest.h>

#include "agent/duties/addons.hpp"
#include "agent/duties/lease.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

// A cluster as kubectl shows it. Commands are recorded without program and kubeconfig.
class FakeCluster {
 public:
  FakeHost machine;
  std::vector<std::string> commands;
  std::vector<std::string> inputs;
  bool roles_are_bound = true;
  std::string lease;  // its line; empty: none
  std::vector<std::string> nodes;
  std::map<std::string, std::string> failures;  // first word of a command -> what kubectl says

  std::vector<std::string> members;  // of etcd, by name
  bool etcd_answers = true;

  Result<std::vector<std::string>> leave(const std::vector<std::string>& machines) {
    if (!etcd_answers) return fail(ErrorKind::unavailable, "etcdctl member list: no answer");
    std::vector<std::string> left;
    for (const std::string& name : machines) {
      if (std::erase(members, name) > 0) left.push_back(name);
    }
    return left;
  }

  FakeCluster() {
    machine.process.answer = [this](const ProcessRequest& request) { return answer(request); };
  }

  DutiesOutcome turn(const NodeDocument& document, const PeerList& peers = example_peers()) {
    commands.clear();
    inputs.clear();
    const auto outcome = perform_duties(
        document, peers, machine.host,
        [this](const std::vector<std::string>& machines) { return leave(machines); },
        std::chrono::seconds(60));
    REQUIRE(outcome.has_value());
    return *outcome;
  }

  void hold(const std::string& holder, std::chrono::seconds ago, const std::string& applied) {
    lease = fmt::format(
        "Lease\tmuster-duties\t5\t\t{{\"muster/applied\":\"{}\"}}\t{{\"holderIdentity\":\"{}\",\"renewTime\":\"{}\",\"leaseTransitions\":2}}",
        applied, holder, micro_time(machine.clock.now() - ago));
  }

 private:
  Result<ProcessOutcome> answer(const ProcessRequest& request) {
    REQUIRE(request.arguments.size() > 3);
    CHECK(request.arguments[0] == "/opt/muster/current/kubernetes-node/bin/kubectl");
    const bool is_bootstrap = request.arguments[2] == "/etc/kubernetes/bootstrap-admin.kubeconfig";
    std::string command = is_bootstrap ? "bootstrap:" : "";
    for (std::size_t i = 3; i < request.arguments.size(); ++i) {
      if (i > 3) command += " ";
      command += request.arguments[i].rfind("jsonpath", 0) == 0 ? "LINES" : request.arguments[i];
    }
    commands.push_back(command);
    inputs.push_back(request.input);
    const auto failure = failures.find(request.arguments[3]);
    if (failure != failures.end()) return ProcessOutcome{1, "", failure->second};
    if (!roles_are_bound && !is_bootstrap) {
      return ProcessOutcome{1, "", "Error from server (Forbidden): leases is forbidden\n"};
    }
    if (is_bootstrap) roles_are_bound = true;
    if (request.arguments[3] != "get") return ProcessOutcome{};
    std::string lines = lease.empty() ? "" : lease + "\n";
    for (const std::string& node : nodes) lines += node + "\n";
    return ProcessOutcome{0, lines, ""};
  }
};

constexpr const char* get_command =
    "get leases.coordination.k8s.io,nodes --namespace=kube-system --output LINES";
constexpr const char* apply_command =
    "apply --server-side --force-conflicts --field-manager=muster --filename=-";

std::string kept_node(const std::string& name, const std::string& role) {
  return "Node\t" + name + "\t7\t{\"node-role.kubernetes.io/" + role +
         "\":\"\"}\t{\"muster/labels\":\"node-role.kubernetes.io/" + role +
         "\",\"muster/taints\":\"node-role.kubernetes.io/control-plane:NoSchedule\"}\t" +
         R"({"taints":[{"effect":"NoSchedule","key":"node-role.kubernetes.io/control-plane"}]})";
}

}  // namespace

TEST_CASE(
    "the first turn of a cluster: roles by bootstrap-admin, Lease, nodes, addons, in this order") {
  NodeDocument document = example_document();
  document.config.addons = {{"coredns", "kind: Deployment", {"deployment/kube-system/coredns"}},
                            {"extra", "kind: ConfigMap", {}}};
  FakeCluster cluster;
  cluster.roles_are_bound = false;
  cluster.nodes = {"Node\tm1\t7\t\t\t{}"};
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK(outcome.addons_ready);
  CHECK(outcome.failed.empty());
  CHECK(outcome.done ==
        std::vector<std::string>{"the first roles are bound",
                                 "m1: label node-role.kubernetes.io/control-plane=",
                                 "m1: taint node-role.kubernetes.io/control-plane=:NoSchedule",
                                 "addon 'coredns' applied", "addon 'extra' applied"});
  REQUIRE(cluster.commands.size() == 11);
  CHECK(cluster.commands[0] == get_command);
  CHECK(cluster.commands[1] == std::string("bootstrap:") + apply_command);
  CHECK(cluster.commands[2] == get_command);
  CHECK(cluster.commands[3] == "create --filename=-");
  CHECK(cluster.commands[4].rfind("patch node m1 --type=merge --patch {", 0) == 0);
  CHECK(cluster.commands[5] == apply_command);
  CHECK(cluster.inputs[6] == "kind: Deployment");
  CHECK(cluster.commands[7] ==
        "rollout status deployment/coredns --namespace=kube-system --timeout=60s");
  CHECK(cluster.inputs[8] == "kind: ConfigMap");
  CHECK(cluster.commands[9] == get_command);
  CHECK(cluster.inputs[10].find(addons_digest(document)) != std::string::npos);
}

TEST_CASE("a turn with nothing to do: one call, and one more when the Lease is due") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.nodes = {kept_node("m1", "control-plane")};
  cluster.hold("m1", std::chrono::seconds(10), addons_digest(document));
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK(outcome.addons_ready);
  CHECK(outcome.done.empty());
  CHECK(cluster.commands == std::vector<std::string>{get_command});

  cluster.hold("m1", std::chrono::seconds(60), addons_digest(document));
  static_cast<void>(cluster.turn(document));
  REQUIRE(cluster.commands == std::vector<std::string>{get_command, "replace --filename=-"});
  CHECK(cluster.inputs[1].find("\"resourceVersion\":\"5\"") != std::string::npos);
  CHECK(cluster.inputs[1].find("\"leaseTransitions\":2") != std::string::npos);
}

TEST_CASE("a machine that left loses its etcd member first, then its Node object") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.nodes = {kept_node("m1", "control-plane"), kept_node("m9", "control-plane"),
                   kept_node("n9", "node")};
  cluster.members = {"m1", "m9"};
  cluster.hold("m1", std::chrono::seconds(10), addons_digest(document));
  cluster.etcd_answers = false;
  DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.failed ==
        std::vector<std::string>{"m9, n9: etcd member: etcdctl member list: no answer"});
  CHECK(cluster.commands == std::vector<std::string>{get_command});

  cluster.etcd_answers = true;
  outcome = cluster.turn(document);
  CHECK(outcome.done == std::vector<std::string>{"m9: etcd member removed", "m9: Node removed",
                                                 "n9: Node removed"});
  CHECK(cluster.members == std::vector<std::string>{"m1"});
  CHECK(cluster.commands ==
        std::vector<std::string>{get_command, "delete node --ignore-not-found m9 n9"});
}

TEST_CASE("a machine that is to be drained: cordoned, drained as far as it goes, told each turn") {
  const NodeDocument document = example_document();
  PeerList peers = example_peers();
  peers.generation = 7;
  peers.peers.back().drain = Drain::evict;
  const std::string n1 =
      "Node\tn1\t7\t{\"node-role.kubernetes.io/node\":\"\",\"rack\":\"r1\"}\t{\"muster/labels\":\"node-role.kubernetes.io/node,rack\",\"muster/taints\":\"dedicated:NoSchedule\"";
  const std::string spec = R"("taints":[{"effect":"NoSchedule","key":"dedicated","value":"ml"}]})";
  FakeCluster cluster;
  cluster.hold("m1", std::chrono::seconds(10), addons_digest(document));
  cluster.nodes = {n1 + "}\t{" + spec};
  cluster.failures["drain"] =
      "error when evicting pods/\"web\" -n \"ci\" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.\nThere are pending nodes to be drained:\n n1\n"
      "error: [error when evicting pods/\"web\" -n \"ci\": global timeout reached: 10s]\n";
  DutiesOutcome outcome = cluster.turn(document, peers);
  CHECK(outcome.is_awaited);
  CHECK(outcome.done == std::vector<std::string>{"n1: takes no more pods"});
  REQUIRE(cluster.commands.size() == 3);
  CHECK(
      cluster.commands[1] ==
      "patch node n1 --type=merge --patch "
      R"({"metadata":{"annotations":{"muster/drain":"cordoned"}},"spec":{"unschedulable":true}})");
  CHECK(cluster.commands[2] ==
        "drain n1 --ignore-daemonsets --delete-emptydir-data --force --timeout=10s");
  REQUIRE(outcome.report);
  CHECK(outcome.report->peers_generation == 7);
  REQUIRE(outcome.report->drains.size() == 1);
  CHECK_FALSE(outcome.report->drains[0].is_done);
  CHECK(
      outcome.report->drains[0].message ==
      "kubectl drain: expected exit status 0, found 1: pod ci/web: Cannot evict pod as it would violate the pod's disruption budget.");

  cluster.failures.clear();
  cluster.nodes = {n1 + R"(,"muster/drain":"cordoned"})" + "\t{\"unschedulable\":true," + spec};
  outcome = cluster.turn(document, peers);
  CHECK(outcome.done == std::vector<std::string>{"n1: drained"});
  CHECK(cluster.commands.back() == "annotate node n1 muster/drain=drained --overwrite");
  CHECK(outcome.report->drains[0].is_done);

  cluster.nodes = {n1 + R"(,"muster/drain":"drained"})" + "\t{\"unschedulable\":true," + spec};
  outcome = cluster.turn(document, peers);
  CHECK(cluster.commands == std::vector<std::string>{get_command});
  CHECK(outcome.report->drains[0].is_done);
  CHECK_FALSE(outcome.is_awaited);
}

TEST_CASE("the report tells which Nodes of machines that left are still there") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.nodes = {kept_node("n9", "node")};
  cluster.hold("m1", std::chrono::seconds(10), addons_digest(document));
  cluster.failures["delete"] = "Error from server (ServiceUnavailable): later\n";
  CHECK(cluster.turn(document).report->leaving == std::vector<std::string>{"n9"});
  cluster.failures.clear();
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.report->leaving.empty());
  CHECK(outcome.is_awaited);
}

TEST_CASE("another's Lease is left alone until it has expired") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.hold("m2", std::chrono::seconds(170), "");
  CHECK_FALSE(cluster.turn(document).holder);
  CHECK(cluster.commands == std::vector<std::string>{get_command});

  cluster.hold("m2", std::chrono::seconds(190), addons_digest(document));
  CHECK(cluster.turn(document).holder);
  CHECK(cluster.inputs[1].find("\"holderIdentity\":\"m1\"") != std::string::npos);
  CHECK(cluster.inputs[1].find("\"leaseTransitions\":3") != std::string::npos);
}

TEST_CASE("whoever writes the Lease first has it") {
  FakeCluster cluster;
  cluster.failures["create"] =
      "Error from server (AlreadyExists): leases \"muster-duties\" exists\n";
  CHECK_FALSE(cluster.turn(example_document()).holder);
}

TEST_CASE("an addon that fails stops the ones after it and is tried again") {
  NodeDocument document = example_document();
  document.config.addons = {{"one", "a", {"deployment/kube-system/one"}}, {"two", "b", {}}};
  FakeCluster cluster;
  cluster.failures["rollout"] = "error: timed out waiting for the condition\n";
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK_FALSE(outcome.addons_ready);
  CHECK(
      outcome.failed ==
      std::vector<std::string>{
          "addon 'one': waiting for 'deployment/kube-system/one': kubectl rollout: expected exit status 0, found 1: error: timed out waiting for the condition"});
  CHECK(cluster.commands.back().rfind("rollout", 0) == 0);
}

TEST_CASE("roles that nobody may bind are an error with its cure") {
  FakeCluster cluster;
  cluster.roles_are_bound = false;
  cluster.failures["apply"] = "error: You must be logged in to the server (Unauthorized)\n";
  const auto outcome = perform_duties(
      example_document(), example_peers(), cluster.machine.host,
      [&](const std::vector<std::string>& machines) { return cluster.leave(machines); },
      std::chrono::seconds(60));
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().kind == ErrorKind::forbidden);
  CHECK(
      outcome.error().message ==
      "duties: binding the first roles: kubectl apply: expected exit status 0, found 1: error: You must be logged in to the server (Unauthorized); the bootstrap-admin certificate is valid for an hour: bind group muster:duties to cluster-admin with a `muster kubeconfig --break-glass`");
}
