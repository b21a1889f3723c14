#include "http/cluster_end.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/expiry.hpp"
#include "site/on_demand.hpp"

namespace muster {

Result<void> end_cluster(const Rooms& rooms, const ClusterEnd& end) {
  if (const auto found = find_on_demand(rooms.store, end.cluster); !found)
    return pass(found.error());
  const auto served = rooms.current.cluster(end.cluster);
  constexpr int attempts = 10;  // somebody may enrol meanwhile
  for (int attempt = 1;; ++attempt) {
    Transaction transaction;
    auto added = add_cluster_end(rooms.enrolment, end.cluster, end.on_delete, transaction);
    if (!added) return added;
    auto deleted = delete_cluster(rooms.publishing, end.cluster, end.actor, end.action,
                                  std::move(transaction));
    if (deleted) break;
    if (deleted.error().kind != ErrorKind::conflict || attempt == attempts) return deleted;
  }
  rooms.ends.remove(end.cluster);
  if (auto reloaded = rooms.reload_inventory(end.cluster); !reloaded) return reloaded;
  if (served) {
    for (const auto& [node, answer] : served->documents) rooms.reports.forget({end.cluster, node});
  }
  spdlog::info("{}: {} {}", end.actor, end.action, end.cluster);
  return {};
}

}  // namespace muster
