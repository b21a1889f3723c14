#include "fleet/known_clusters.hpp"

#include "document/problem.hpp"
#include "inventory/suggest.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<void> check_known(const Fleet& fleet, const std::string& cluster) {
  if (cluster.empty() || fleet.current.cluster(cluster) != nullptr) return {};
  // Or it is in quarantine, and nothing of it can be served.
  const auto record = fleet.store.get(kinds::cluster, cluster);
  if (record) return {};
  if (record.error().kind != ErrorKind::not_found) return pass(record.error());
  const auto names = fleet.current.clusters();
  const std::string meant = did_you_mean(cluster, {names.begin(), names.end()});
  return fail(ErrorKind::not_found, "no_cluster",
              fmt::format("cluster: there is none named {}{}; `muster status` shows them",
                          in_ticks(cluster), meant.empty() ? meant : ", " + meant));
}

}  // namespace muster
