// A template: an inventory from which clusters are made on demand. It is written like any other, so
// that `muster validate` and editors check it. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// One Cluster, one NodePool of role master, one of role node, and profiles; no Node. What is not so
// is told with its place, all at once.
[[nodiscard]] std::vector<InventoryProblem> check_template(const Inventory& inventory);

// The pool of that role of the one cluster; check_template has found it.
[[nodiscard]] const NodePool& template_pool(const Inventory& inventory, Role role);

// The template's cluster under another name, with so many masters. The name in the template only
// serves those who read it.
[[nodiscard]] Inventory instantiate(Inventory inventory, const std::string& cluster, int masters);

}  // namespace muster
