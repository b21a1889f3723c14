#include "fleet/cluster_end.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/expiry.hpp"
#include "fleet/on_demand.hpp"

namespace muster {

Result<void> end_cluster(const Fleet& fleet, const ClusterEnd& end) {
  if (const auto found = find_on_demand(fleet.store, end.cluster); !found)
    return pass(found.error());
  constexpr int attempts = 10;  // somebody may enrol meanwhile
  for (int attempt = 1;; ++attempt) {
    Transaction transaction;
    auto added = add_cluster_end(fleet.enrolment, end.cluster, end.on_delete, transaction);
    if (!added) return added;
    auto deleted = delete_cluster(fleet.publishing, end.cluster, end.actor, end.action,
                                  std::move(transaction));
    if (deleted) break;
    if (deleted.error().kind != ErrorKind::conflict || attempt == attempts) return deleted;
  }
  spdlog::info("{}: {} {}", end.actor, end.action, end.cluster);
  return {};
}

}  // namespace muster
