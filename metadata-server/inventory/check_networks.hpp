// Addresses and networks of one cluster that cannot stand together. Pure.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// Pod, service and node networks against each other.
void check_cluster_networks(const Cluster& cluster, std::vector<InventoryProblem>& problems);

// Each machine's address and pod network against the cluster's networks and the other machines'.
// Cost: n log n.
void check_node_networks(const Cluster& cluster, const std::vector<const Node*>& nodes,
                         std::vector<InventoryProblem>& problems);

}  // namespace muster
