#include "machine/peers.hpp"

#include <fmt/format.h>

namespace muster {

std::string peer_routes(const NodeDocument& document, const PeerList& peers) {
  std::string text;
  if (document.role.cluster.pod_network == PodNetwork::none) return text;
  for (const PeerEntry& peer : peers.peers) {
    if (peer.name == document.role.node || peer.pod_cidr.empty()) continue;
    text += fmt::format("{} via {}\n", peer.pod_cidr, peer.address);
  }
  return text;
}

std::string peer_hosts(const PeerList& peers) {
  std::string text;
  for (const PeerEntry& peer : peers.peers) text += fmt::format("{} {}\n", peer.address, peer.name);
  return text;
}

}  // namespace muster
