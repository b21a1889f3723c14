#include "fleet/cluster_ends.hpp"

#include <algorithm>
#include <mutex>

#include "records/on_demand_record.hpp"

namespace muster {

Result<void> ClusterEnds::load(const Store& store) {
  const auto clusters = list_on_demand(store);
  if (!clusters) return pass(clusters.error());
  for (const auto& cluster : *clusters) set(cluster.name, cluster.expires_at);
  return {};
}

void ClusterEnds::set(const std::string& cluster, std::int64_t at) {
  const std::unique_lock lock(mutex_);
  ends_[cluster] = at;
}

void ClusterEnds::remove(const std::string& cluster) {
  const std::unique_lock lock(mutex_);
  ends_.erase(cluster);
}

std::optional<std::chrono::seconds> ClusterEnds::left(const std::string& cluster,
                                                      std::int64_t now) const {
  const std::shared_lock lock(mutex_);
  const auto found = ends_.find(cluster);
  if (found == ends_.end()) return std::nullopt;
  return std::chrono::seconds(std::max<std::int64_t>(0, found->second - now));
}

std::map<std::string, std::int64_t> ClusterEnds::all() const {
  const std::shared_lock lock(mutex_);
  return ends_;
}

}  // namespace muster
