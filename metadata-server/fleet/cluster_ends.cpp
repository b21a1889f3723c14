#include "fleet/cluster_ends.hpp"

#include <algorithm>
#include <mutex>

#include "records/all_records.hpp"
#include "records/on_demand_record.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<void> ClusterEnds::load(const Store& store) {
  const auto records = all_records(store, kinds::on_demand);
  if (!records) return pass(records.error());
  std::map<std::string, std::int64_t> ends;
  for (const auto& record : *records) {
    const auto cluster = parse_on_demand_cluster(record.value);
    quarantine_.note(record.key, Quarantine::Part::order,
                     cluster ? Result<void>()
                             : while_doing(cluster.error(),
                                           fmt::format("{} '{}'", kinds::on_demand, record.key)));
    if (cluster) ends[record.key] = cluster->expires_at;
  }
  const std::unique_lock lock(mutex_);
  ends_ = std::move(ends);
  return {};
}

Result<void> ClusterEnds::follow(const Commit& commit) {
  Result<void> all;
  for (const auto& change : commit.changes) {
    if (change.kind != kinds::on_demand) continue;
    std::int64_t end = 0;
    if (change.value) {
      const auto cluster = parse_on_demand_cluster(*change.value);
      if (!cluster) {
        all = while_doing(cluster.error(), fmt::format("{} '{}'", change.kind, change.key));
        quarantine_.note(change.key, Quarantine::Part::order, all);
        continue;
      }
      end = cluster->expires_at;
      quarantine_.note(change.key, Quarantine::Part::order, {});
    }
    const std::unique_lock lock(mutex_);
    if (change.value) {
      ends_[change.key] = end;
    } else {
      ends_.erase(change.key);
    }
  }
  return all;
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
