// Kernel parameters that must stay as Muster sets them: kubelet does not start otherwise
// (protectKernelDefaults), or pods reach nobody. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// `sysctls`: spec.kernel.sysctl of one layer, at `path`.
void check_sysctls(const Value& sysctls, const std::string& path,
                   std::vector<InventoryProblem>& problems);

// Whether systemd-sysctl reads the file, and its lines "NAME = VALUE".
[[nodiscard]] bool is_sysctl_file(std::string_view path);
void check_sysctl_lines(const std::string& text, const Place& place, const std::string& field,
                        std::vector<InventoryProblem>& problems);

}  // namespace muster
