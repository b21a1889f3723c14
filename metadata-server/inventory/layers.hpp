// The settings of one machine from its layers: defaults, the cluster's profiles, the node's
// profiles, the node's overrides. Later ones win; maps merge, lists replace. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

struct Layers {
  // "default", "profile rack-a", "node n1", "pool ci": what Value::layer indexes.
  std::vector<std::string> names;
  Value settings;  // a map with the sections of Profile.spec
};

// Lays `upper` over `lower` and marks what it brings with `layer`. A null brings nothing.
void lay_over(Value& lower, const Value& upper, std::size_t layer);

// Every profile that is named must be in the inventory (load has checked it); unknown ones bring
// nothing.
[[nodiscard]] Layers merge_layers(const Inventory& inventory, const Cluster& cluster,
                                  const Node& node);

}  // namespace muster
