// Kernel modules and sysctls of a machine. Pure.
#pragma once

#include "machine/desired_state.hpp"
#include "machine/facts.hpp"

namespace muster {

// Adds modules-load.d and sysctl.d files with what Kubernetes needs and what the document says
// (which wins), the names of the modules, the arguments of a machine that netboots, and
// muster-kernel.service, which applies both on a running machine; at boot systemd's own services
// have done so already.
void add_kernel(const NodeDocument& document, const Facts& facts, DesiredState& state);

}  // namespace muster
