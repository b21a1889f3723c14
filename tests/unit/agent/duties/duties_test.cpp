// The duties against a fake kubectl that records every call.
#include "agent/duties/duties.hpp"

#include <doctest/doctest.h>

#include "unit/agent/duties/fake_cluster.hpp"

using namespace muster;

namespace {

constexpr const char* get_command =
    "get leases.coordination.k8s.io,nodes --namespace=kube-system --output LINES";
constexpr const char* look_command = "get KINDS --all-namespaces --selector=muster.dev/addon LINES";
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
  document.config.addons = {{"coredns",
                             "apps/v1 Deployment kube-system coredns image",
                             {"deployment/kube-system/coredns"}},
                            {"extra", "v1 ConfigMap kube-system extra", {}}};
  FakeCluster cluster;
  cluster.roles_are_bound = false;
  cluster.nodes = {"Node\tm1\t7\t\t\t{}"};
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK(outcome.addons_ready);
  CHECK(outcome.failed.empty());
  CHECK(outcome.done ==
        std::vector<std::string>{
            "the first roles are bound", "m1: label node-role.kubernetes.io/control-plane=",
            "m1: taint node-role.kubernetes.io/control-plane=:NoSchedule",
            "addon 'muster_roles' applied", "addon 'coredns' applied", "addon 'extra' applied"});
  const std::string apply = std::string(apply_command) + " LINES";
  const std::string label =
      "label --local --overwrite --filename=- --output=json muster.dev/addon=";
  REQUIRE(cluster.commands.size() == 15);
  CHECK(cluster.commands[0] == get_command);
  CHECK(cluster.commands[1] == "bootstrap:" + label + "muster_roles");
  CHECK(cluster.commands[2] == "bootstrap:" + apply);
  CHECK(cluster.commands[3] == get_command);
  CHECK(cluster.commands[4] == "create --filename=-");
  CHECK(cluster.commands[5].rfind("patch node m1 --type=merge --patch {", 0) == 0);
  CHECK(cluster.commands[6] == look_command);
  CHECK(cluster.commands[7] == label + "muster_roles");
  CHECK(cluster.commands[8] == apply);
  CHECK(cluster.commands[9] == label + "coredns");
  CHECK(cluster.inputs[10] == "coredns apps/v1 Deployment kube-system coredns image\n");
  CHECK(cluster.commands[11] ==
        "rollout status deployment/coredns --namespace=kube-system --timeout=60s");
  CHECK(cluster.inputs[13] == "extra v1 ConfigMap kube-system extra\n");
  CHECK(cluster.commands[14] == apply_command);
  REQUIRE(cluster.record());
  CHECK(cluster.record()->addons.size() == 3);
}

TEST_CASE("a turn with nothing to do: two calls, and one more when the Lease is due") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.settle(document);
  cluster.nodes = {kept_node("m1", "control-plane")};
  cluster.hold("m1", std::chrono::seconds(10));
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK(outcome.addons_ready);
  CHECK(outcome.done.empty());
  CHECK(cluster.commands == std::vector<std::string>{get_command, look_command});

  cluster.hold("m1", std::chrono::seconds(60));
  static_cast<void>(cluster.turn(document));
  REQUIRE(cluster.commands ==
          std::vector<std::string>{get_command, "replace --filename=-", look_command});
  CHECK(cluster.inputs[1].find("\"resourceVersion\":\"5\"") != std::string::npos);
  CHECK(cluster.inputs[1].find("\"leaseTransitions\":2") != std::string::npos);
}

TEST_CASE("a machine that left loses its etcd member first, then its Node object") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.settle(document);
  cluster.nodes = {kept_node("m1", "control-plane"), kept_node("m9", "control-plane"),
                   kept_node("n9", "node")};
  cluster.members = {"m1", "m9"};
  cluster.hold("m1", std::chrono::seconds(10));
  cluster.etcd_answers = false;
  DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.failed ==
        std::vector<std::string>{"m9, n9: etcd member: etcdctl member list: no answer"});
  CHECK(cluster.commands == std::vector<std::string>{get_command, look_command});

  cluster.etcd_answers = true;
  outcome = cluster.turn(document);
  CHECK(outcome.done == std::vector<std::string>{"m9: etcd member removed", "m9: Node removed",
                                                 "n9: Node removed"});
  CHECK(cluster.members == std::vector<std::string>{"m1"});
  CHECK(cluster.commands == std::vector<std::string>{
                                get_command, "delete node --ignore-not-found m9 n9", look_command});
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
  cluster.settle(document);
  cluster.nodes = {n1 + "}\t{" + spec};
  cluster.failures["drain"] =
      "error when evicting pods/\"web\" -n \"ci\" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.\nThere are pending nodes to be drained:\n n1\n"
      "error: [error when evicting pods/\"web\" -n \"ci\": global timeout reached: 10s]\n";
  DutiesOutcome outcome = cluster.turn(document, peers);
  CHECK(outcome.is_awaited);
  CHECK(outcome.done == std::vector<std::string>{"n1: takes no more pods"});
  REQUIRE(cluster.commands.size() == 4);
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
  CHECK(cluster.commands[2] == "annotate node n1 muster/drain=drained --overwrite");
  CHECK(outcome.report->drains[0].is_done);

  cluster.nodes = {n1 + R"(,"muster/drain":"drained"})" + "\t{\"unschedulable\":true," + spec};
  outcome = cluster.turn(document, peers);
  CHECK(cluster.commands == std::vector<std::string>{get_command, look_command});
  CHECK(outcome.report->drains[0].is_done);
  CHECK_FALSE(outcome.is_awaited);
}

TEST_CASE("the report tells which Nodes of machines that left are still there") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.settle(document);
  cluster.nodes = {kept_node("n9", "node")};
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
  cluster.hold("m2", std::chrono::seconds(170));
  const DutiesOutcome others = cluster.turn(document);
  CHECK_FALSE(others.holder);
  CHECK(others.lease_holder == "m2");
  CHECK(cluster.commands == std::vector<std::string>{get_command});

  // However old it says that it is: its holder has not had the time to renew it here.
  cluster.hold("m2", std::chrono::seconds(190));
  CHECK_FALSE(cluster.turn(document).holder);
  cluster.machine.clock.sleep(std::chrono::seconds(170));
  CHECK_FALSE(cluster.turn(document).holder);
  cluster.machine.clock.sleep(std::chrono::seconds(20));
  const DutiesOutcome taken = cluster.turn(document);
  CHECK(taken.holder);
  CHECK(taken.lease_holder == "m1");
  CHECK(cluster.inputs[1].find("\"holderIdentity\":\"m1\"") != std::string::npos);
  CHECK(cluster.inputs[1].find("\"leaseTransitions\":3") != std::string::npos);
}

TEST_CASE("a Lease that was renewed in the future ends no duties, and is told") {
  const NodeDocument document = example_document();
  FakeCluster cluster;
  cluster.hold("m2", std::chrono::seconds(-86'400));
  const DutiesOutcome others = cluster.turn(document);
  CHECK_FALSE(others.holder);
  REQUIRE(others.unwell.size() == 1);
  CHECK(others.unwell[0].subject == "clock");
  CHECK(others.unwell[0].message.starts_with("m2 renewed the Lease of the duties at "));
  cluster.machine.clock.sleep(std::chrono::seconds(190));
  CHECK(cluster.turn(document).holder);
}

TEST_CASE("whoever writes the Lease first has it") {
  FakeCluster cluster;
  cluster.failures["create"] =
      "Error from server (AlreadyExists): leases \"muster-duties\" exists\n";
  const DutiesOutcome outcome = cluster.turn(example_document());
  CHECK_FALSE(outcome.holder);
  CHECK(outcome.lease_holder == "");  // somebody, at the next turn it is seen who
}

TEST_CASE("an addon that fails stops the ones after it and is tried again") {
  NodeDocument document = example_document();
  document.config.addons = {
      {"one", "apps/v1 Deployment kube-system one", {"deployment/kube-system/one"}},
      {"two", "v1 ConfigMap kube-system two", {}}};
  FakeCluster cluster;
  cluster.failures["rollout"] = "error: timed out waiting for the condition\n";
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.holder);
  CHECK_FALSE(outcome.addons_ready);
  CHECK(
      outcome.failed ==
      std::vector<std::string>{
          "addon 'one': waiting for 'deployment/kube-system/one': kubectl rollout: expected exit status 0, found 1: error: timed out waiting for the condition"});
  REQUIRE(outcome.unwell.size() == 1);
  CHECK(outcome.unwell[0].subject == "addon 'one'");
  CHECK(outcome.unwell[0].message == outcome.failed[0]);
  CHECK(cluster.objects.count({"ConfigMap", "kube-system", "two"}) == 0);
  // What it applied is remembered, and waited for.
  cluster.failures.clear();
  CHECK(cluster.turn(document).addons_ready);
  CHECK(cluster.objects.count({"ConfigMap", "kube-system", "two"}) == 1);
}

TEST_CASE("a bootstrap certificate that has expired makes room for another") {
  FakeCluster cluster;
  cluster.roles_are_bound = false;
  const std::string certificate = "/etc/kubernetes/pki/bootstrap-admin/tls.crt";
  cluster.machine.files.put(certificate, "PEM");
  const auto why_not = [&] {
    const auto outcome = perform_duties(
        example_document(), example_peers(), cluster.machine.host,
        [&](const std::vector<std::string>& machines) { return cluster.leave(machines); },
        std::chrono::seconds(60));
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == ErrorKind::forbidden);
    return outcome.error().message;
  };
  cluster.failures["apply"] = "error: no space left on device\n";
  CHECK(
      why_not() ==
      "duties: binding the first roles: addon 'muster_roles': kubectl apply: expected exit status 0, found 1: error: no space left on device; bind group muster:duties to cluster-admin with a `muster kubeconfig --break-glass`");
  CHECK(cluster.machine.host.files.read(certificate));

  cluster.failures["apply"] = "error: You must be logged in to the server (Unauthorized)\n";
  CHECK(
      why_not() ==
      "duties: binding the first roles: addon 'muster_roles': kubectl apply: expected exit status 0, found 1: error: You must be logged in to the server (Unauthorized); a new bootstrap-admin certificate is obtained first");
  CHECK_FALSE(cluster.machine.host.files.read(certificate));
  cluster.failures.clear();
  CHECK(cluster.turn(example_document()).done.front() == "the first roles are bound");
}
