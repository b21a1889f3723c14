// What one object cannot say alone: references, networks that overlap, names, addresses and marks
// that are taken twice, the number of masters. Pure; linear in the inventory.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// `complete`: every file was read to its end. If not, what seems to be missing may stand in the
// rest, so nothing is said to be missing.
void check_inventory(Inventory& inventory, bool complete, std::vector<InventoryProblem>& problems);

}  // namespace muster
