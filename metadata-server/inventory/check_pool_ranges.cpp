#include "inventory/check_pool_ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

struct PoolRange {
  const NodePool* pool;
  const Sourced<std::string>* written;
  std::string field;
  Cidr network;
};

class RangeChecker {
 public:
  RangeChecker(const Cluster& cluster, const std::vector<const Node*>& nodes,
               RuleFindings& findings)
      : findings_(findings) {
    for (const Node* node : nodes) {
      if (const auto address = ipv4_value(node->address.value))
        taken_[*address] =
            fmt::format("node '{}' at {} has it", node->name.value, to_text(node->address.place));
    }
    if (cluster.node_gateway) {
      if (const auto gateway = ipv4_value(cluster.node_gateway->value))
        taken_[*gateway] = "the gateway has it";
    }
    const auto machines =
        cluster.node_cidr ? parse_cidr(cluster.node_cidr->value) : std::optional<Cidr>();
    if (!machines || machines->prefix > 30) return;
    taken_[machines->network] = "the network's own address";
    taken_[static_cast<std::uint32_t>(end_of(*machines) - 1)] = "the broadcast address";
  }

  void check(const std::vector<const NodePool*>& pools) {
    std::vector<PoolRange> all;
    std::uint64_t members = 0;
    bool each_has_room = true;
    for (const NodePool* pool : pools) {
      std::vector<PoolRange> ranges = ranges_of(*pool);
      check_each_once(ranges);
      for (const PoolRange& range : ranges) check_free(range);
      each_has_room = check_room(*pool, ranges) && each_has_room;
      members += static_cast<std::uint64_t>(pool->maximum.value);
      all.insert(all.end(), ranges.begin(), ranges.end());
    }
    check_apart(all);
    if (const std::uint64_t free = free_in(all);
        !pools.empty() && each_has_room && !all.empty() && free < members)
      findings_.warn(pools.back()->maximum.place, "spec.maximum",
                     "an address for each member of the cluster's pools together",
                     fmt::format("{} for {}", free, members),
                     "their ranges overlap: widen them, or lower a maximum");
  }

 private:
  static std::vector<PoolRange> ranges_of(const NodePool& pool) {
    std::vector<PoolRange> ranges;
    for (std::size_t index = 0; index < pool.address_ranges.size(); ++index) {
      const auto& written = pool.address_ranges[index];
      if (const auto network = parse_cidr(written.value))
        ranges.push_back({&pool, &written, fmt::format("spec.addressRanges[{}]", index), *network});
    }
    return ranges;
  }

  // The wider of two that begin alike first: of two networks, one holds the other or neither.
  static void sort_by_network(std::vector<PoolRange>& ranges) {
    std::stable_sort(ranges.begin(), ranges.end(),
                     [](const PoolRange& left, const PoolRange& right) {
                       return std::tie(left.network.network, left.network.prefix) <
                              std::tie(right.network.network, right.network.prefix);
                     });
  }

  void warn_overlap(const PoolRange& range, const PoolRange& other, std::string expected) {
    findings_.warn(range.written->place, range.field, std::move(expected),
                   in_ticks(range.written->value),
                   fmt::format("{} at {} has {}", other.field, to_text(other.written->place),
                               other.written->value));
  }

  void check_each_once(std::vector<PoolRange> ranges) {
    sort_by_network(ranges);
    const PoolRange* widest = nullptr;
    for (const PoolRange& range : ranges) {
      if (widest != nullptr && widest->network.contains(range.network))
        warn_overlap(range, *widest, "each range of a pool once");
      else
        widest = &range;
    }
  }

  // Pools that share one network whole are told by their room together.
  void check_apart(std::vector<PoolRange> ranges) {
    sort_by_network(ranges);
    const PoolRange* widest = nullptr;
    for (const PoolRange& range : ranges) {
      const bool is_inside = widest != nullptr && widest->network.contains(range.network);
      if (is_inside && widest->pool != range.pool && widest->network.prefix != range.network.prefix)
        warn_overlap(range, *widest, "a range that no other pool has a part of");
      if (!is_inside) widest = &range;
    }
  }

  std::uint64_t taken_in(const Cidr& network) const {
    const auto first = taken_.lower_bound(network.network);
    const auto last = taken_.lower_bound(end_of(network));
    return static_cast<std::uint64_t>(std::distance(first, last));
  }

  void check_free(const PoolRange& range) {
    const std::uint64_t size = end_of(range.network) - range.network.network;
    // Few are full, and counting in wide ones of every pool would cost the product.
    constexpr std::uint64_t small = 1024;
    if (size > small || taken_in(range.network) < size) return;
    findings_.warn(range.written->place, range.field, "a range with an address that is free",
                   in_ticks(range.written->value),
                   taken_.lower_bound(range.network.network)->second);
  }

  std::uint64_t free_in(std::vector<PoolRange> ranges) const {
    sort_by_network(ranges);
    std::uint64_t free = 0, counted_to = 0;
    for (const PoolRange& range : ranges) {
      if (range.network.network < counted_to) continue;  // in one before it
      counted_to = end_of(range.network);
      free += counted_to - range.network.network - taken_in(range.network);
    }
    return free;
  }

  bool check_room(const NodePool& pool, const std::vector<PoolRange>& ranges) {
    if (ranges.empty() || !is_set(pool.maximum)) return false;
    const std::uint64_t free = free_in(ranges);
    if (free >= static_cast<std::uint64_t>(pool.maximum.value)) return true;
    findings_.warn(pool.maximum.place, "spec.maximum",
                   "an address in addressRanges for each member",
                   fmt::format("{} for {}", free, pool.maximum.value),
                   "lower it, or widen spec.addressRanges");
    return false;
  }

  RuleFindings& findings_;
  std::map<std::uint64_t, std::string> taken_;  // addresses -> by whom
};

}  // namespace

void check_pool_ranges(const Cluster& cluster, const std::vector<const Node*>& nodes,
                       const std::vector<const NodePool*>& pools, RuleFindings& findings) {
  if (pools.empty()) return;
  RangeChecker(cluster, nodes, findings).check(pools);
}

}  // namespace muster
