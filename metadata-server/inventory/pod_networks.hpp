// Each machine's share of the cluster's pod network: written, kept from before, or the next free
// one.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "inventory/machine_source.hpp"

namespace muster {

struct PodNetworks {
  std::vector<std::string>
      of_machines;       // in their order; empty: the pod network is "none", or full
  std::size_t work = 0;  // networks looked at
};

// `kept`: node -> network of earlier compiles, removed nodes too: theirs stay reserved, so that a
// machine that is still draining never shares its network. What does not lie in podCidr any more is
// dropped. Nodes in name order. Adds a problem when the network is full. Cost: n log n.
[[nodiscard]] PodNetworks allocate_pod_networks(const Cluster& cluster,
                                                const std::vector<MachineSource>& machines,
                                                const std::map<std::string, std::string>& kept,
                                                std::vector<InventoryProblem>& problems);

}  // namespace muster
