// Addresses and networks that are well written and that no machine can use: reserved ones, a
// network's own and its broadcast, those that belong to pods, services or another machine. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Cost: the cluster's nodes.
void check_addresses(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings);

}  // namespace muster
