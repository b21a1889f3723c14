// Marks by which no machine is recognised: fillers, MACs that no NIC has, and two that differ by
// blanks or letter case alone. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Cost: the inventory's nodes.
void check_match_marks(const Inventory& inventory, RuleFindings& findings);

}  // namespace muster
