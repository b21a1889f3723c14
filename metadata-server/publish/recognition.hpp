// What a revision is made of that no document holds in full: by what listed machines are
// recognised, and by what those of pools are admitted.
#pragma once

#include <string>

#include "inventory/objects.hpp"

namespace muster {

// JSON, the same for the same content. `cluster`: one that the inventory has. Pure.
[[nodiscard]] std::string recognition_of(const Inventory& inventory, const std::string& cluster);

}  // namespace muster
