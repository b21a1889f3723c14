#include "http/home_networks.hpp"

namespace muster {
namespace {

// Beyond them all are forgotten: names of clusters on demand come and go, and whoever is still
// there comes again within a minute.
constexpr std::size_t most_identities = 65536;

}  // namespace

void HomeNetworks::came_from(const std::string& identity, const std::string& network) {
  const std::lock_guard lock(mutex_);
  if (network_of_.size() >= most_identities && !network_of_.contains(identity)) {
    network_of_.clear();
    identities_of_.clear();
  }
  std::string& last = network_of_[identity];
  if (last == network) return;
  if (const auto left = identities_of_.find(last);
      left != identities_of_.end() && --left->second == 0)
    identities_of_.erase(left);
  last = network;
  ++identities_of_[network];
}

bool HomeNetworks::is_home(const std::string& network) {
  const std::lock_guard lock(mutex_);
  return identities_of_.contains(network);
}

}  // namespace muster
