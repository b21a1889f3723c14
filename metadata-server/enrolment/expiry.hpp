// Ends that come by themselves or by an operator's order: of a whole cluster, and of a pool's
// member whose time to live is over. The machines get tombstones.
#pragma once

#include <optional>
#include <string>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/tombstone.hpp"
#include "records/schedule.hpp"

namespace muster {

// The end of a cluster, of pools or of listed machines, for the transaction that removes its
// records: its machines get tombstones, its tokens a last word. `on_delete`: instead of what each
// pool says. The commit fails with conflict where somebody is admitted meanwhile. Cost: that
// cluster.
[[nodiscard]] Result<void> add_cluster_end(const EnrolmentContext& context,
                                           const std::string& cluster,
                                           std::optional<OnDelete> on_delete,
                                           Transaction& transaction);

// The member that the schedule's row names is removed like by `muster node remove`. Nothing where
// it went before, and of a control-plane machine, which an inventory of before may have given a
// ttl: a cluster does not lose its quorum by time. Then the row goes. What its cluster is served
// changes with the next publication.
[[nodiscard]] Result<std::optional<NodeName>> expire_member(const EnrolmentContext& context,
                                                            const ScheduleRow& row);

}  // namespace muster
