// Which secrets a cluster's machines refer to. Pure.
#pragma once

#include <set>
#include <string>

#include "inventory/objects.hpp"

namespace muster {

// Adds each name that a secretRef in it names.
void add_secret_names(const Value& value, std::set<std::string>& names);
// Of the layers of all its machines and pools, before they are laid over one another.
[[nodiscard]] std::set<std::string> secret_names_of(const Inventory& inventory,
                                                    const std::string& cluster);

}  // namespace muster
