#include "inventory/explain.hpp"

#include "inventory/layers.hpp"
#include "sample_inventory.hpp"

using namespace muster;

TEST_CASE("each field of a node names the layer that wrote it") {
  const auto explained = explain(sample::example("racks"), "", "rack-b-02");
  REQUIRE(explained);
  CHECK(to_table(*explained) == sample::golden("rack-b-02.explain.txt", to_table(*explained)));
}

TEST_CASE("a secret is shown by its name") {
  const auto explained = explain(sample::example("racks"), "racks", "m1");
  REQUIRE(explained);
  for (const ExplainedField& field : explained->fields) {
    if (field.field == "containerd.registryCredentials[mirror.racks.example]")
      CHECK(field.value == "secret registry-login");
  }
}

TEST_CASE("later layers win, maps merge, lists replace") {
  const Inventory inventory = sample::loaded(
      sample::small_cluster("  profiles: [low]\n") + R"(---
apiVersion: muster/v1
kind: Profile
metadata: {name: low}
spec: {kernel: {modules: [a, b], sysctl: {x: 1, y: 1}}, kubelet: {labels: {a: low, b: low}}}
---
apiVersion: muster/v1
kind: Profile
metadata: {name: high}
spec: {kernel: {modules: [c], sysctl: {y: 2}}, kubelet: {labels: {b: high, c: high}, maxPods: ~}}
)" +
      sample::node("m1", "master", "10.77.0.11",
                   ", profiles: [high], labels: {c: node}, overrides: {swap: allow}"));
  const Node& node = inventory.nodes.front();
  const Layers layers = merge_layers(inventory, inventory.clusters.at("lab"), node);
  CHECK(layers.names ==
        std::vector<std::string>{"default", "profile low", "profile high", "node m1"});
  const auto value = [&](const char* path) { return layers.settings.find_path(path)->scalar; };
  CHECK(layers.settings.find_path("kernel.modules")->items.size() == 1);
  CHECK(value("kernel.sysctl.x") == "1");
  CHECK(value("kernel.sysctl.y") == "2");
  CHECK(value("kubelet.labels.a") == "low");
  CHECK(value("kubelet.labels.b") == "high");
  CHECK(value("kubelet.labels.c") == "node");
  CHECK(value("kubelet.maxPods") == "110");
  CHECK(value("swap") == "allow");
}

TEST_CASE("a node that is not there, or is twice") {
  const Inventory racks = sample::example("racks");
  CHECK(explain(racks, "", "rack-b-0").error().message ==
        "node 'rack-b-0': expected a node of the inventory, found none; did you mean 'rack-b-01'?");
  CHECK(
      explain(racks, "other", "m1").error().message ==
      "node 'm1': expected a node of the inventory's cluster 'other', found none; did you mean 'm1'?");
}
