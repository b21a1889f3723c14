#include <doctest/doctest.h>

#include "machine/kubelet_config.hpp"

using namespace muster;

TEST_CASE("labels that kubelet may set on itself") {
  for (const char* key : {"rack", "example.com/gpu", "node.kubernetes.io/zone", "kubernetes.io/os",
                          "a.node.kubernetes.io/x", "kubelet.kubernetes.io/x"}) {
    CAPTURE(key);
    CHECK(is_kubelet_label(key));
  }
  for (const char* key : {"node-role.kubernetes.io/gpu", "kubernetes.io/x", "k8s.io/x",
                          "a.k8s.io/x", "node-restriction.kubernetes.io/x"}) {
    CAPTURE(key);
    CHECK_FALSE(is_kubelet_label(key));
  }
}

TEST_CASE("a control plane is tainted once, as the inventory says where it says something") {
  CHECK(node_taints(false, {}).empty());
  CHECK(node_taints(true, {}).size() == 1);
  const auto said =
      node_taints(true, {{"node-role.kubernetes.io/control-plane", "", "PreferNoSchedule"}});
  REQUIRE(said.size() == 1);
  CHECK(said[0].effect == "PreferNoSchedule");
}
