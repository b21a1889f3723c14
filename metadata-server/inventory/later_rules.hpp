// Rules that inventories of before may break: what is applied is held to them, what is stored goes
// on with warnings, since a server that refused it could publish nothing of its cluster any more.
// Pure.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// What is merely told is added to the inventory's own warnings. Cost: n log n.
[[nodiscard]] std::vector<InventoryProblem> check_later_rules(Inventory& inventory);

}  // namespace muster
