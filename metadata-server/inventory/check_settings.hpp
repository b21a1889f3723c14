// What machines and their components would refuse of an inventory's settings: layers (profiles,
// overrides) and componentArguments. Rules of later than the first stored inventories
// (later_rules). Pure, linear in the inventory.
#pragma once

#include <vector>

#include "inventory/component_options.hpp"
#include "inventory/objects.hpp"

namespace muster {

// `releases`: those that are at hand; of others the table of versions decides.
void check_settings(const Inventory& inventory, const ReleaseFlags& releases,
                    std::vector<InventoryProblem>& problems,
                    std::vector<InventoryProblem>& warnings);

}  // namespace muster
