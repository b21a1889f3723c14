// Members of a NodePool: their names, and the Node that each of them is to compile. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

// "ci-{index}" and 7 -> "ci-7". Indexes count from 1.
[[nodiscard]] std::string member_name(const NodePool& pool, int index);
// The index of such a name; nothing for another name, a leading zero, or more than the maximum.
[[nodiscard]] std::optional<int> member_index(const NodePool& pool, std::string_view name);
// The address lies in one of the pool's ranges. `address`: host byte order.
[[nodiscard]] bool is_in_ranges(const NodePool& pool, std::uint32_t address);

// A machine like any that is listed; its fields' places are the pool's.
[[nodiscard]] Node node_of(const NodePool& pool, const PoolMember& member);

// The cluster's masters come from a pool, and too few are there to start it.
[[nodiscard]] bool awaits_masters(const Inventory& inventory, const std::string& cluster,
                                  const std::vector<PoolMember>& members);

}  // namespace muster
