// What operators order of clusters on demand, within their limits (enrolment/quota).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"
#include "fleet/on_demand.hpp"

namespace muster {

// As create_cluster, with the tokens of its machines. Refusals of check_lifetime and claim_quota
// besides; of these, the problems are empty.
[[nodiscard]] Published<MadeCluster> create_cluster_for(const Fleet& fleet, const Caller& person,
                                                        const NewCluster& order);

struct LeavingNode {
  std::string node;
  bool is_draining = false;  // else it is removed
};
struct ScaleOutcome {
  ScaledCluster scaled;
  std::vector<LeavingNode> leaving;
};
// As scale_cluster; with it, in one transaction, the surplus is ordered to leave, drained where
// that makes sense. `again`: for whom what was handed out is lost.
[[nodiscard]] Result<ScaleOutcome> scale_cluster_for(const Fleet& fleet, const Caller& person,
                                                     const std::string& cluster,
                                                     std::uint32_t nodes, bool again = false);

// As extend_cluster. Refusals of check_lifetime besides.
[[nodiscard]] Result<OnDemandCluster> extend_cluster_for(const Fleet& fleet, const Caller& person,
                                                         const std::string& cluster,
                                                         std::chrono::seconds lifetime);

}  // namespace muster
