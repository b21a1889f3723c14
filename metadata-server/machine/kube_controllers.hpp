// The command lines of kube-controller-manager and kube-scheduler. Pure; golden-tested.
#pragma once

#include "document/node_document.hpp"
#include "machine/arguments.hpp"

namespace muster {

// Without CA keys and without the controllers that sign and approve: no CA key is on any machine.
[[nodiscard]] Arguments kube_controller_manager_arguments(const NodeDocument& document);
[[nodiscard]] Arguments kube_scheduler_arguments(const NodeDocument& document);

}  // namespace muster
