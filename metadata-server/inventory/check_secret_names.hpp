// What secretRef may name: never what the server keeps for the control plane alone. Pure.
#pragma once

#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// `path`: where `settings` stand.
void check_secret_names(const Value& settings, const std::string& path, RuleFindings& findings);

}  // namespace muster
