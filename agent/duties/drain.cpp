#include "agent/duties/drain.hpp"

#include <map>

#include "agent/duties/node_changes.hpp"

namespace muster {
namespace {

// Long enough for pods that end at once; others are met again at the next turn.
constexpr std::chrono::seconds patience{10};
// Of one turn: the Lease must be renewed in time.
constexpr std::chrono::seconds turn_limit{35};

// Nothing: its pods are gone, and the Node says so.
std::string drain(const std::string& node, const Kubectl& kubectl) {
  const auto drained = kubectl.run({"drain", node, "--ignore-daemonsets", "--delete-emptydir-data",
                                    "--force", fmt::format("--timeout={}s", patience.count())},
                                   {}, patience * 2);
  if (!drained && drained.error().kind != ErrorKind::not_found) return drained.error().message;
  if (!drained) return {};
  const auto noted = kubectl.run(
      {"annotate", "node", node, fmt::format("{}=drained", drain_annotation), "--overwrite"});
  return noted ? std::string() : noted.error().message;
}

}  // namespace

std::vector<NodeDrain> drain_nodes(const PeerList& peers, const std::vector<std::string>& nodes,
                                   const Kubectl& kubectl, Clock& clock,
                                   std::vector<std::string>& done) {
  const auto start = clock.since_boot();
  std::map<std::string, std::string> waits;  // node -> what for
  for (const std::string& node : nodes) waits[node] = "waits for its turn";
  // One that cannot be drained must hold up no other for ever: each turn begins with another.
  const auto first = nodes.empty() ? 0 : static_cast<std::size_t>(start.count()) % nodes.size();
  for (std::size_t i = 0; i < nodes.size() && clock.since_boot() - start < turn_limit; ++i) {
    const std::string& node = nodes[(first + i) % nodes.size()];
    waits[node] = drain(node, kubectl);
    if (!waits[node].empty()) continue;
    waits.erase(node);
    done.push_back(node + ": drained");
  }
  std::vector<NodeDrain> drains;
  for (const PeerEntry& peer : peers.peers) {
    if (peer.drain == Drain::none || drains.size() == most_reported) continue;
    const auto found = waits.find(peer.name);
    const bool is_done = peer.drain == Drain::evict && found == waits.end();
    drains.push_back({peer.name, is_done, found == waits.end() ? std::string() : found->second});
  }
  return drains;
}

}  // namespace muster
