// Rules that inventories of before may break: what is applied is held to them, what is stored goes
// on with warnings, since a server that refused it could publish nothing of its cluster any more.
// Pure.
#pragma once

#include <vector>

#include "inventory/objects.hpp"

namespace muster {

[[nodiscard]] std::vector<InventoryProblem> check_later_rules(const Inventory& inventory);

}  // namespace muster
