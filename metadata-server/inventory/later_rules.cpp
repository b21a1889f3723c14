#include "inventory/later_rules.hpp"

#include <fmt/format.h>

#include "inventory/read_objects.hpp"

namespace muster {

std::vector<InventoryProblem> check_later_rules(const Inventory& inventory) {
  std::vector<InventoryProblem> problems;
  for (const NodePool& pool : inventory.pools) {
    const bool ends_masters =
        pool.time_to_live && is_set(pool.role) && is_control_plane(pool.role.value);
    // A quorum does not outlive its members, nor a cluster its quorum.
    if (ends_masters) {
      problems.push_back(problem_at(
          pool.time_to_live->place, "spec.ttl", "it on a pool of role node only",
          fmt::format("it on one of role {}", name(pool.role.value)),
          "leave it out; a control-plane machine lives as long as its cluster, or goes with 'muster node remove'"));
    }
  }
  return problems;
}

}  // namespace muster
