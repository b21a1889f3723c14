// What kubelet keeps of its CPU and memory managers. With a policy of its own it exits on a file
// that was made with other settings, on another machine (its CPUs, its memory to the byte, which
// differs from boot to boot), and on one that it cannot read. Kubernetes' documentation has it
// removed while kubelet is stopped (Control CPU Management Policies on the Node). Reads only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

// What each file depends on, as the machine is configured now and in this boot: a digest by path.
[[nodiscard]] std::map<std::string, std::string> manager_inputs(const Filesystem& files);

// Files on which kubelet would exit. `noted`: manager_inputs as kubelet was last started; one that
// is not in it is judged by its policy alone.
[[nodiscard]] std::vector<std::string> stale_manager_states(
    const Filesystem& files, const std::map<std::string, std::string>& noted);

}  // namespace muster
