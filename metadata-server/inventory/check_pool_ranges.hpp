// Whether the addresses of pools are enough for their members, and no other machine's. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Cost: n log n in nodes and ranges.
void check_pool_ranges(const Cluster& cluster, const std::vector<const Node*>& nodes,
                       const std::vector<const NodePool*>& pools, RuleFindings& findings);

}  // namespace muster
