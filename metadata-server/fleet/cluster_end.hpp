// The end of a cluster on demand, by an operator or by its time.
#pragma once

#include <optional>
#include <string>

#include "document/on_delete.hpp"
#include "fleet/fleet.hpp"

namespace muster {

struct ClusterEnd {
  std::string cluster;
  std::string actor;                  // "operator anna", "expiry"
  std::string action;                 // of the audit row: "cluster-deleted", "cluster-expired"
  std::optional<OnDelete> on_delete;  // instead of what each pool says
  // The cluster's name once more: one that an inventory lists ends by this alone, and its machines
  // are told to keep what they have unless `on_delete` says otherwise.
  std::string confirmed = {};
  // The version of the order by which its time is over; 0: it does not end by time.
  std::uint64_t expired = 0;
};
// Its machines are served tombstones from now on, everything else of it is gone: one transaction.
// not_found: no cluster has that name. conflict ("confirmation"): it is listed, and not confirmed;
// conflict, of one that ends by its time: something was written meanwhile, be it a later end.
[[nodiscard]] Result<void> end_cluster(const Fleet& fleet, const ClusterEnd& end);
// What was ordered between the end's reading and its commit; from then on orders are refused. The
// end puts it into the schedule, and nobody makes a cluster of that name before it is done.
// conflict: it is to be done again.
[[nodiscard]] Result<void> sweep_late_orders(const Fleet& fleet, const std::string& cluster);

}  // namespace muster
