// What every machine runs, control planes included: container runtime, kubelet, kube-proxy, the pod
// network, the node-local API balancer. Pure.
#pragma once

#include "agent/desired_state.hpp"
#include "agent/facts.hpp"
#include "document/peer_list.hpp"

namespace muster {

void add_node(const NodeDocument& document, const PeerList& peers, const Facts& facts,
              DesiredState& state);

}  // namespace muster
