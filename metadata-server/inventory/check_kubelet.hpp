// What kubelet itself refuses in the kubelet settings of one layer, and what its free part
// (extraConfiguration) may not decide. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/component_options.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Of kubelet's version; nullptr where that is not known.
struct KubeletOptions {
  const nlohmann::json* fields = nullptr;  // component_options, kubelet_fields
  const FlagType* gates = nullptr;
};
// `kubelet`: that section of a layer, at `path`.
void check_kubelet(const Value& kubelet, const std::string& path, const KubeletOptions& options,
                   std::vector<InventoryProblem>& problems);

}  // namespace muster
