// What every machine runs, control planes included: container runtime, kubelet, kube-proxy, the pod
// network, the node-local API balancer. Pure.
#pragma once

#include "document/peer_list.hpp"
#include "machine/desired_state.hpp"
#include "machine/facts.hpp"

namespace muster {

void add_node(const NodeDocument& document, const PeerList& peers, const Facts& facts,
              DesiredState& state);

}  // namespace muster
