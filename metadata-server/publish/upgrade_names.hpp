// The releases that an operator names for `--upgrade`.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/place.hpp"

namespace muster {

// A name that none of the clusters may upgrade is a mistake, or written in their files.
[[nodiscard]] std::vector<InventoryProblem> check_upgrades(const std::vector<std::string>& upgrades,
                                                           const std::vector<std::string>& clusters,
                                                           const Inventory& inventory);

}  // namespace muster
