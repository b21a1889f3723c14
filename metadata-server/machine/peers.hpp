// What the peer list becomes on a machine: routes to the other machines' pods, and their names.
// Pure.
#pragma once

#include <string>

#include "document/node_document.hpp"
#include "document/peer_list.hpp"

namespace muster {

// "CIDR via ADDRESS" a line, for every peer but this machine; empty where the pod network is
// "none".
[[nodiscard]] std::string peer_routes(const NodeDocument& document, const PeerList& peers);

// "ADDRESS NAME" a line, in hosts(5) format, this machine included.
[[nodiscard]] std::string peer_hosts(const PeerList& peers);

}  // namespace muster
