// Names that are well written and taken everywhere: localhost, those of the API server, and what
// programs read as an address. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Cost: the cluster's nodes.
void check_names(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings);

}  // namespace muster
