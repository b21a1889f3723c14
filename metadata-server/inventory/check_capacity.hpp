// Whether there is room: pod networks for machines, pod addresses for pods, addresses for a pool's
// members. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Cost: n log n in the cluster's nodes.
void check_capacity(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings);

}  // namespace muster
