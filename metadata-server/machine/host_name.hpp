// The host name of a machine whose name the server chose. Pure.
#pragma once

#include "machine/desired_state.hpp"

namespace muster {

// Of a pool's member: /etc/hostname, and muster-hostname.service, which takes it over while the
// machine runs. A listed machine must be called so already: it may be another one (preflight).
void add_host_name(const NodeDocument& document, DesiredState& state);

}  // namespace muster
