// What kubelet keeps of its CPU and memory managers: it exits on a file of another policy than the
// configured one, and on one that it cannot read. Kubernetes' documentation has it removed while
// kubelet is stopped (Control CPU Management Policies on the Node). Reads only.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

// Files on which kubelet would exit, as it is configured on the disk now.
[[nodiscard]] std::vector<std::string> stale_manager_states(const Filesystem& files);

}  // namespace muster
