// What machines and their components would refuse of an inventory's settings: layers (profiles,
// overrides) and componentArguments. Rules of later than the first stored inventories
// (later_rules). Pure, linear in the inventory.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

void check_settings(const Inventory& inventory, std::vector<InventoryProblem>& problems,
                    std::vector<InventoryProblem>& warnings);

}  // namespace muster
