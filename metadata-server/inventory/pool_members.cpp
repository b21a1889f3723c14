#include "inventory/pool_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/ipv4.hpp"

namespace muster {

namespace {

std::string_view prefix_of(const NodePool& pool) {
  const std::string_view pattern = pool.name_pattern.value;
  return pattern.substr(0, pattern.find('{'));
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
  node.overrides_digest = pool.overrides_digest;
  return node;
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
