// The files of one layer: each path once, none that another one needs as a folder, none that the
// machine's own setup makes, nothing in them that undoes it. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// `files`: that section of a layer, at `path`. `routed`: a machine of it has Muster's pod network.
void check_files(const Value& files, const std::string& path, bool routed,
                 std::vector<InventoryProblem>& problems);

}  // namespace muster
