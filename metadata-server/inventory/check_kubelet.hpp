// What kubelet itself refuses in the kubelet settings of one layer, and what its free part
// (extraConfiguration) may not decide. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// `kubelet`: that section of a layer, at `path`. `minor`: kubelet's version, or "" where it is not
// known which fields there are.
void check_kubelet(const Value& kubelet, const std::string& path, const std::string& minor,
                   std::vector<InventoryProblem>& problems);

}  // namespace muster
