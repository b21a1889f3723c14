#include "fleet/cluster_end.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/expiry.hpp"
#include "enrolment/join_token.hpp"
#include "fleet/on_demand.hpp"
#include "records/cluster_life.hpp"
#include "records/pending_machine.hpp"
#include "records/revision.hpp"
#include "records/schedule.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Result<ClusterKind> kind_of(const Fleet& fleet, const ClusterEnd& end) {
  const auto found = find_on_demand(fleet.store, end.cluster);
  if (found) return ClusterKind::on_demand;
  const bool is_confirmed = end.confirmed == end.cluster;
  const auto order = fleet.store.get(kinds::on_demand, end.cluster);
  // What cannot be read ends all the same: nothing else frees its name.
  if (order && is_confirmed) return ClusterKind::on_demand;
  if (order) {
    return fail(
        ErrorKind::conflict, "confirmation",
        fmt::format(
            "cluster '{0}': {1}. To end it whatever can be read of it: muster cluster delete {0} --confirm {0}",
            end.cluster, found.error().message));
  }
  if (found.error().kind != ErrorKind::not_found) return pass(found.error());
  const auto cluster = fleet.store.get(kinds::cluster, end.cluster);
  if (!cluster)
    return pass(cluster.error().kind == ErrorKind::not_found ? found.error() : cluster.error());
  if (is_confirmed) return ClusterKind::listed;
  return fail(
      ErrorKind::conflict, "confirmation",
      fmt::format(
          "cluster '{0}': an inventory lists it. Its authorities, secrets and history would be gone for good, and its {1} machines would run on until their certificates end. If that is meant: muster cluster delete {0} --confirm {0}",
          end.cluster,
          fleet.store.count(kinds::document, kinds::prefix_of(end.cluster)).value_or(0)));
}

}  // namespace

Result<void> sweep_late_orders(const Fleet& fleet, const std::string& cluster) {
  Transaction transaction;
  transaction.expect(kinds::cluster, cluster, 0);
  remove_scheduled(0, scheduled::sweep, cluster, transaction);
  if (auto ended = end_join_tokens_of(fleet.enrolment, cluster, transaction); !ended) return ended;
  if (auto ended = end_approvals_of(fleet.store, cluster, transaction); !ended) return ended;
  if (auto removed = remove_records_of(fleet.store, cluster, transaction); !removed) return removed;
  return commit(fleet.store, transaction);
}

Result<void> end_cluster(const Fleet& fleet, const ClusterEnd& end) {
  const auto kind = kind_of(fleet, end);
  if (!kind) return pass(kind.error());
  // Nobody who listed it said in a pool what its end is to do to machines.
  const std::optional<OnDelete> on_delete =
      *kind == ClusterKind::listed ? std::optional(end.on_delete.value_or(OnDelete::keep))
                                   : end.on_delete;
  // Somebody may enrol meanwhile, or extend it: whose time is over is for the caller to see again.
  const int attempts = end.expired != 0 ? 1 : 10;
  for (int attempt = 1;; ++attempt) {
    Transaction transaction;
    if (end.expired != 0) transaction.expect(kinds::on_demand, end.cluster, end.expired);
    put_scheduled({0, std::string(scheduled::sweep), end.cluster, {}}, transaction);
    auto added = add_cluster_end(fleet.enrolment, end.cluster, on_delete, transaction);
    if (!added) return added;
    auto deleted = delete_cluster(fleet.publishing, *kind, end.cluster, end.actor, end.action,
                                  std::move(transaction));
    if (deleted) break;
    if (deleted.error().kind != ErrorKind::conflict || attempt == attempts) return deleted;
  }
  // Where it fails, or this server dies here, its row of the schedule is carried out.
  if (auto swept = sweep_late_orders(fleet, end.cluster); !swept)
    spdlog::warn("cluster {}: sweeping what was ordered while it ended: {}", end.cluster,
                 swept.error().message);
  spdlog::info("{}: {} {}", end.actor, end.action, end.cluster);
  return {};
}

}  // namespace muster
