#include "publish/departures.hpp"

#include <algorithm>

namespace muster {
namespace {

// In seconds, of what a machine with this document may hold: the newest was issued at the latest
// now.
std::int64_t longest_lifetime(const ServedAnswer& answer) {
  constexpr std::int64_t unknown = 825LL * 24 * 3600;  // the longest that an inventory can say
  const auto document = read_document(answer);
  if (!document) return unknown;
  std::int64_t longest = 0;
  for (const auto& certificate : document->certificates) {
    longest = std::max<std::int64_t>(longest, certificate.lifetime.count());
  }
  return longest;
}

}  // namespace

std::vector<std::string> machines_gone(const ServedCluster& served,
                                       const std::vector<MachineInput>& machines) {
  std::vector<std::string> gone;
  for (const auto& [node, answer] : served.documents)
    if (!has_machine(machines, node)) gone.push_back(node);
  std::sort(gone.begin(), gone.end());
  return gone;
}

void note_departures(const std::vector<MachineChange>& changes, const ServedCluster& before,
                     std::int64_t now, std::int64_t earliest,
                     std::map<std::string, std::int64_t>& departed) {
  std::erase_if(departed, [&](const auto& entry) { return entry.second <= earliest; });
  for (const auto& change : changes) {
    if (change.kind == MachineChange::Kind::removed) {
      departed[change.node] = now + longest_lifetime(*before.documents.find(change.node));
    } else {
      departed.erase(change.node);
    }
  }
}

}  // namespace muster
