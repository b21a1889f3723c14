// Whether there is a cluster of a name that somebody asks about.
#pragma once

#include <string>

#include "fleet/fleet.hpp"

namespace muster {

// Error no_cluster (not_found), with the nearest name that there is: nothing was ever published for
// it, or it ended. Empty: no cluster is meant.
[[nodiscard]] Result<void> check_known(const Fleet& fleet, const std::string& cluster);

}  // namespace muster
