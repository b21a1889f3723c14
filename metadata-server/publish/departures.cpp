#include "publish/departures.hpp"

#include <algorithm>

#include "publish/current_documents.hpp"

namespace muster {
namespace {

// In seconds, of what a machine with this document may hold: the newest was issued at the latest
// now.
std::int64_t longest_lifetime(const PublishedDocument& published) {
  constexpr std::int64_t unknown = 825LL * 24 * 3600;  // the longest that an inventory can say
  const auto document = read_document(*to_served(published));
  if (!document) return unknown;
  std::int64_t longest = 0;
  for (const auto& certificate : document->certificates) {
    longest = std::max<std::int64_t>(longest, certificate.lifetime.count());
  }
  return longest;
}

}  // namespace

void note_departures(const std::vector<MachineChange>& changes,
                     const std::map<std::string, PublishedDocument>& old, std::int64_t now,
                     std::int64_t earliest, std::map<std::string, std::int64_t>& departed) {
  std::erase_if(departed, [&](const auto& entry) { return entry.second <= earliest; });
  for (const auto& change : changes) {
    if (change.kind == MachineChange::Kind::removed) {
      departed[change.node] = now + longest_lifetime(old.at(change.node));
    } else {
      departed.erase(change.node);
    }
  }
}

}  // namespace muster
