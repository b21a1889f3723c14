#include "agent/duties/node_changes.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"

using namespace muster;
using nlohmann::json;

namespace {

const std::string node_role = "node-role.kubernetes.io/node";

NodeView observed(const std::string& name) {
  NodeView node;
  node.name = name;
  node.resource_version = "42";
  return node;
}

// n1 as the inventory has it.
NodeView settled_node() {
  NodeView node = observed("n1");
  node.labels = {{"rack", "r1"}, {node_role, ""}, {"kubernetes.io/os", "linux"}};
  node.annotations = {{labels_annotation, node_role + ",rack"},
                      {taints_annotation, "dedicated:NoSchedule"}};
  node.taints = {{{"key", "dedicated"}, {"value", "ml"}, {"effect", "NoSchedule"}}};
  return node;
}

NodeChanges changes_of(const std::vector<NodeView>& nodes,
                       const PeerList& peers = example_peers()) {
  return node_changes(example_document(), peers, nodes);
}

}  // namespace

TEST_CASE("equal nodes need nothing") {
  const NodeChanges changes = changes_of({settled_node()});
  CHECK(changes.patches.empty());
  CHECK(changes.removed.empty());
}

TEST_CASE("labels: set, changed, removed; those of others stay") {
  NodeView node = settled_node();
  node.labels["rack"] = "old";
  node.labels["gone"] = "1";
  node.labels["others"] = "2";
  node.annotations[labels_annotation] += ",gone";
  const NodeChanges changes = changes_of({node});
  REQUIRE(changes.patches.size() == 1);
  CHECK(json::parse(changes.patches[0].patch) ==
        json::parse(R"({"metadata":{"labels":{"rack":"r1","gone":null},
                        "annotations":{"muster/labels":"node-role.kubernetes.io/node,rack"}}})"));
  CHECK(changes.patches[0].changes ==
        std::vector<std::string>{"n1: label rack=r1", "n1: label gone removed"});
}

TEST_CASE("taints: ours follow the inventory, those of others stay, and nobody's write is lost") {
  NodeView node = settled_node();
  const json not_ready = {{"key", "node.kubernetes.io/not-ready"},
                          {"effect", "NoExecute"},
                          {"timeAdded", "2026-11-21T06:00:00Z"}};
  node.taints = {{{"key", "old"}, {"effect", "NoSchedule"}}, not_ready};
  node.annotations[taints_annotation] = "old:NoSchedule";
  const NodeChanges changes = changes_of({node});
  REQUIRE(changes.patches.size() == 1);
  const json patch = json::parse(changes.patches[0].patch);
  CHECK(
      patch["spec"]["taints"] ==
      json::array({{{"key", "dedicated"}, {"value", "ml"}, {"effect", "NoSchedule"}}, not_ready}));
  CHECK(patch["metadata"]["resourceVersion"] == "42");
  CHECK(patch["metadata"]["annotations"] == json{{"muster/taints", "dedicated:NoSchedule"}});
  CHECK(changes.patches[0].changes == std::vector<std::string>{"n1: taint dedicated=ml:NoSchedule",
                                                               "n1: taint old:NoSchedule removed"});
}

TEST_CASE("equal patches are one call") {
  NodeView m1 = observed("m1"), m2 = observed("m2");
  for (NodeView* node : {&m1, &m2}) {
    node->taints = {{{"key", "node-role.kubernetes.io/control-plane"}, {"effect", "NoSchedule"}}};
  }
  const NodeChanges changes = changes_of({m1, m2});
  REQUIRE(changes.patches.size() == 1);
  CHECK(changes.patches[0].nodes == std::vector<std::string>{"m1", "m2"});
}

TEST_CASE("a machine that left the inventory loses its Node; another's Node stays") {
  NodeView gone = settled_node();
  gone.name = "n9";
  CHECK(changes_of({gone, observed("virtual")}).removed == std::vector<std::string>{"n9"});
  PeerList foreign = example_peers();
  foreign.peers.erase(foreign.peers.begin());  // without m1, whose turn this is
  CHECK(changes_of({gone}, foreign).removed.empty());
}

TEST_CASE("a machine that left before a turn saw its Node loses it too") {
  NodeDocument document = example_document();
  document.config.banned_machines = {"n1", "n9"};
  const auto changes = node_changes(document, example_peers(),
                                    {settled_node(), observed("n9"), observed("virtual")});
  CHECK(changes.removed == std::vector<std::string>{"n9"});
}

TEST_CASE("a drain: cordoned first, sent away until the Node says so, let go when it is over") {
  PeerList peers = example_peers();
  PeerEntry& n1 = peers.peers.back();
  REQUIRE(n1.name == "n1");
  n1.drain = Drain::evict;
  NodeView node = settled_node();
  NodeChanges changes = changes_of({node}, peers);
  REQUIRE(changes.patches.size() == 1);
  CHECK(json::parse(changes.patches[0].patch) ==
        json::parse(R"({"metadata":{"annotations":{"muster/drain":"cordoned"}},
                        "spec":{"unschedulable":true}})"));
  CHECK(changes.patches[0].changes == std::vector<std::string>{"n1: takes no more pods"});
  CHECK(changes.drains == std::vector<std::string>{"n1"});

  node.is_unschedulable = true;
  node.annotations[drain_annotation] = "cordoned";
  changes = changes_of({node}, peers);
  CHECK(changes.patches.empty());
  CHECK(changes.drains == std::vector<std::string>{"n1"});

  node.annotations[drain_annotation] = "drained";
  CHECK(changes_of({node}, peers).drains.empty());

  // Somebody let it take pods meanwhile: all over again.
  node.is_unschedulable = false;
  changes = changes_of({node}, peers);
  CHECK(changes.patches.size() == 1);
  CHECK(changes.drains == std::vector<std::string>{"n1"});

  // Given up: it takes no pods, and none is sent away.
  node.is_unschedulable = true;
  node.annotations[drain_annotation] = "cordoned";
  n1.drain = Drain::cordon;
  changes = changes_of({node}, peers);
  CHECK(changes.patches.empty());
  CHECK(changes.drains.empty());

  changes = changes_of({node});
  REQUIRE(changes.patches.size() == 1);
  CHECK(json::parse(changes.patches[0].patch) ==
        json::parse(R"({"metadata":{"annotations":{"muster/drain":null}},
                        "spec":{"unschedulable":null}})"));
  CHECK(changes.patches[0].changes == std::vector<std::string>{"n1: takes pods again"});
}

TEST_CASE("a Node that somebody else cordoned stays as it is") {
  NodeView node = settled_node();
  node.is_unschedulable = true;
  CHECK(changes_of({node}).patches.empty());
}
