// Ports that two programs of one machine would listen on. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Of the balancer (spec.api.port) and of componentArguments.
void check_ports(const Cluster& cluster, RuleFindings& findings);
// Of kubelet.extraConfiguration in `settings`; `path`: where they stand.
void check_ports(const Value& settings, const std::string& path, RuleFindings& findings);

}  // namespace muster
