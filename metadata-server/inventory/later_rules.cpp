#include "inventory/later_rules.hpp"

#include <fmt/format.h>

#include "inventory/check_addresses.hpp"
#include "inventory/check_capacity.hpp"
#include "inventory/check_marks.hpp"
#include "inventory/check_names.hpp"
#include "inventory/check_network_policies.hpp"
#include "inventory/check_ports.hpp"
#include "inventory/check_secret_names.hpp"
#include "inventory/netboot.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

void check_across_fields(const Inventory& inventory, RuleFindings& findings) {
  for (const auto& [name, cluster] : inventory.clusters) {
    check_addresses(inventory, cluster, findings);
    check_names(inventory, cluster, findings);
    check_ports(cluster, findings);
    check_capacity(inventory, cluster, findings);
    check_netboot(inventory, cluster, findings);
    check_network_policies(cluster, findings);
  }
  const auto check_settings = [&](const Value& settings, const std::string& path) {
    check_ports(settings, path, findings);
    check_secret_names(settings, path, findings);
  };
  for (const auto& [name, profile] : inventory.profiles) check_settings(profile.settings, "spec");
  for (const Node& node : inventory.nodes) check_settings(node.overrides, "spec.overrides");
  for (const NodePool& pool : inventory.pools) check_settings(pool.overrides, "spec.overrides");
  check_match_marks(inventory, findings);
}

}  // namespace

std::vector<InventoryProblem> check_later_rules(Inventory& inventory) {
  std::vector<InventoryProblem> problems;
  RuleFindings findings{problems, inventory.warnings};
  check_across_fields(inventory, findings);
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
