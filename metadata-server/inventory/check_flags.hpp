// componentArguments against the flags that the cluster's versions of the components have
// (component_options): known, of the right type, the operator's. Pure.
#pragma once

#include <vector>

#include "inventory/component_options.hpp"
#include "inventory/objects.hpp"

namespace muster {

void check_flags(const Cluster& cluster, const ReleaseFlags& releases,
                 std::vector<InventoryProblem>& problems, std::vector<InventoryProblem>& warnings);

}  // namespace muster
