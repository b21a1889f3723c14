// NetworkPolicies that nobody enforces. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Told, not refused: an addon may enforce them beside our routes.
void check_network_policies(const Cluster& cluster, RuleFindings& findings);

}  // namespace muster
