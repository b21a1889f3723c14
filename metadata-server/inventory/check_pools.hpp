// What one NodePool cannot say alone: its names, ranges and counts beside the rest of its cluster.
// Pure.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// `nodes`: the cluster's listed ones.
void check_pools(const Cluster& cluster, const std::vector<const NodePool*>& pools,
                 const std::vector<const Node*>& nodes, std::vector<InventoryProblem>& problems);

}  // namespace muster
