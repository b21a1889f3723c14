#include "inventory/pool_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "document/ipv4.hpp"
#include "document/problem.hpp"

namespace muster {

namespace {

std::string_view prefix_of(const NodePool& pool) {
  const std::string_view pattern = pool.name_pattern.value;
  return pattern.substr(0, pattern.find('{'));
}

const NodePool* find_pool(const std::vector<const NodePool*>& pools, const std::string& name) {
  for (const NodePool* pool : pools) {
    if (pool->name.value == name) return pool;
  }
  return nullptr;
}

// Who is asked first keeps it: the member is a machine that runs, the node a line that was written.
void check_clashes(const std::vector<const Node*>& listed, const std::vector<Node>& members,
                   std::vector<InventoryProblem>& problems) {
  std::unordered_map<std::string, const Node*> names, addresses;
  for (const Node& member : members) {
    names[member.name.value] = &member;
    addresses[member.address.value] = &member;
  }
  const auto refuse = [&](const std::unordered_map<std::string, const Node*>& taken,
                          const Sourced<std::string>& written, const char* field) {
    const auto found = taken.find(written.value);
    if (found == taken.end()) return;
    const Node& member = *found->second;
    problems.push_back(
        problem_at(written.place, field, "a value of one machine only", in_ticks(written.value),
                   fmt::format("'{}' of pool '{}' has it; 'muster node remove {}' frees it",
                               member.name.value, member.pool, member.name.value)));
  };
  for (const Node* node : listed) {
    refuse(names, node->name, "metadata.name");
    refuse(addresses, node->address, "spec.address");
  }
}

}  // namespace

std::string member_name(const NodePool& pool, int index) {
  return fmt::format("{}{}", prefix_of(pool), index);
}

std::optional<int> member_index(const NodePool& pool, std::string_view name) {
  const std::string_view prefix = prefix_of(pool);
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  int index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = error == std::errc() && end == name.data() + name.size() &&
                        name.front() != '0' && index > 0 && index <= pool.maximum.value;
  if (!is_index) return std::nullopt;
  return index;
}

bool is_in_ranges(const NodePool& pool, std::uint32_t address) {
  return std::any_of(pool.address_ranges.begin(), pool.address_ranges.end(), [=](const auto& text) {
    const auto range = parse_cidr(text.value);
    return range && range->contains(address);
  });
}

Node node_of(const NodePool& pool, const PoolMember& member) {
  Node node;
  node.name = {member.name, pool.name_pattern.place};
  node.cluster = pool.cluster;
  node.role = {member.role, pool.role.place};
  node.address = {member.address, pool.name.place};
  node.profiles = pool.profiles;
  node.pool = pool.name.value;
  node.overrides = pool.overrides;
  return node;
}

std::vector<Node> member_nodes(const Inventory& inventory, const std::string& cluster,
                               const std::vector<PoolMember>& members,
                               std::vector<InventoryProblem>& problems) {
  const std::vector<const NodePool*> pools = pools_of(inventory, cluster);
  std::vector<Node> nodes;
  for (const PoolMember& member : members) {
    if (const NodePool* pool = find_pool(pools, member.pool))
      nodes.push_back(node_of(*pool, member));
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const Node& left, const Node& right) { return left.name.value < right.name.value; });
  check_clashes(nodes_of(inventory, cluster), nodes, problems);
  return nodes;
}

bool awaits_masters(const Inventory& inventory, const std::string& cluster,
                    const std::vector<PoolMember>& members) {
  for (const NodePool* pool : pools_of(inventory, cluster)) {
    if (pool->role.value != Role::master) continue;
    const auto there = std::count_if(members.begin(), members.end(), [&](const PoolMember& member) {
      return member.pool == pool->name.value;
    });
    return there < std::max(1, pool->minimum.value);
  }
  return false;
}

}  // namespace muster
