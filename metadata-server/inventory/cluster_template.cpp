#include "inventory/cluster_template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/problem.hpp"

namespace muster {

namespace {

void check_pools_of_role(const Inventory& inventory, Role role,
                         std::vector<InventoryProblem>& problems) {
  const auto is_one = [=](const NodePool& pool) { return pool.role.value == role; };
  const auto count = std::count_if(inventory.pools.begin(), inventory.pools.end(), is_one);
  if (count == 1) return;
  problems.push_back(problem_at(
      inventory.clusters.empty() ? Place{} : inventory.clusters.begin()->second.name.place,
      "NodePool", fmt::format("one NodePool of role {} in a template", name(role)),
      count == 0 ? "none" : std::to_string(count)));
}

}  // namespace

std::vector<InventoryProblem> check_template(const Inventory& inventory) {
  std::vector<InventoryProblem> problems;
  for (auto cluster = inventory.clusters.begin(); cluster != inventory.clusters.end(); ++cluster) {
    if (cluster == inventory.clusters.begin()) continue;
    problems.push_back(problem_at(cluster->second.name.place, "metadata.name",
                                  "one Cluster in a template", in_ticks(cluster->first)));
  }
  for (const Node& node : inventory.nodes)
    problems.push_back(problem_at(node.name.place, "kind",
                                  "no Node in a template, whose machines nobody lists",
                                  in_ticks(node.name.value)));
  for (const NodePool& pool : inventory.pools) {
    if (pool.role.value == Role::follower)
      problems.push_back(problem_at(pool.role.place, "spec.role", "master or node in a template",
                                    "follower", "followers are members of the masters' pool"));
  }
  check_pools_of_role(inventory, Role::master, problems);
  check_pools_of_role(inventory, Role::node, problems);
  sort_by_place(problems);
  return problems;
}

const NodePool& template_pool(const Inventory& inventory, Role role) {
  return *std::find_if(inventory.pools.begin(), inventory.pools.end(),
                       [=](const NodePool& pool) { return pool.role.value == role; });
}

Inventory instantiate(Inventory inventory, const std::string& cluster, int masters) {
  auto only = inventory.clusters.extract(inventory.clusters.begin());
  only.key() = cluster;
  only.mapped().name.value = cluster;
  inventory.clusters.insert(std::move(only));
  for (NodePool& pool : inventory.pools) {
    pool.cluster.value = cluster;
    if (pool.role.value != Role::master) continue;
    pool.minimum.value = masters;
    pool.maximum.value = masters;
  }
  return inventory;
}

}  // namespace muster
