// Merged layers -> the parts of a document that come from them. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "inventory/layers.hpp"

namespace muster {

// Fills kubelet, containerd (an empty sandbox image where no layer names one), kernel, files,
// secrets and swap. A secret that the site does not have is a problem at its place.
void apply_settings(const Layers& layers, const std::map<std::string, std::uint64_t>& secrets,
                    MachineConfig& config, std::vector<InventoryProblem>& problems);

}  // namespace muster
