#include "inventory/check_pools.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/pool_members.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

class PoolChecker {
 public:
  PoolChecker(const Cluster& cluster, std::vector<InventoryProblem>& problems)
      : cluster_(cluster), problems_(problems) {}

  void check(const NodePool& pool) {
    check_counts(pool);
    check_pattern(pool);
    check_ranges(pool);
    check_proofs(pool);
    check_vanished_after(pool);
  }

  void check_names(const NodePool& pool, const std::vector<const Node*>& nodes) {
    if (!is_set(pool.name_pattern)) return;
    for (const Node* node : nodes) {
      if (!member_index(pool, node->name.value)) continue;
      report(pool.name_pattern.place, "spec.namePattern", "a pattern that no node's name follows",
             in_ticks(pool.name_pattern.value),
             fmt::format("node '{}' at {} does", node->name.value, to_text(node->name.place)));
      return;
    }
  }

  // A member for whom no pod network is left would keep the whole cluster from being published.
  void check_room(const NodePool& pool, std::size_t machines) {
    const auto pods = parse_cidr(cluster_.pod_cidr.value);
    const auto prefix = static_cast<unsigned>(cluster_.pod_cidr_prefix.value);
    const bool is_routed = cluster_.pod_network.value == PodNetwork::routed;
    if (!is_routed || !pods || prefix < pods->prefix || !is_set(pool.maximum)) return;
    const std::size_t room = std::size_t{1} << (prefix - pods->prefix);
    if (machines > room)
      report(pool.maximum.place, "spec.maximum",
             fmt::format("room for a /{} of every machine in podCidr {}", prefix,
                         cluster_.pod_cidr.value),
             fmt::format("room for {} of {}", room, machines),
             "lower it, or raise the cluster's spec.podCidrPrefix");
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  void check_counts(const NodePool& pool) {
    if (is_set(pool.maximum) && pool.minimum.value > pool.maximum.value)
      report(is_set(pool.minimum) ? pool.minimum.place : pool.maximum.place, "spec.minimum",
             fmt::format("at most the maximum, {}", pool.maximum.value),
             in_ticks(std::to_string(pool.minimum.value)));
    constexpr int most_masters = 7;  // as for listed ones
    if (is_set(pool.role) && is_control_plane(pool.role.value) && pool.maximum.value > most_masters)
      report(pool.maximum.place, "spec.maximum", "at most 7 control-plane machines in a cluster",
             in_ticks(std::to_string(pool.maximum.value)));
  }

  // Whether a quorum may lose a member is no question of time.
  void check_vanished_after(const NodePool& pool) {
    if (is_set(pool.vanished_after) && is_set(pool.role) && is_control_plane(pool.role.value))
      report(pool.vanished_after.place, "spec.vanishedAfter", "it on a pool of role node only",
             fmt::format("it on one of role {}", name(pool.role.value)),
             "a control-plane machine goes with 'muster node remove'");
  }

  // No digit stands before {index}, so two patterns have a name in common only if they are equal.
  void check_pattern(const NodePool& pool) {
    if (!is_set(pool.name_pattern)) return;
    const auto [other, added] = patterns_.try_emplace(pool.name_pattern.value, &pool);
    if (!added)
      report(pool.name_pattern.place, "spec.namePattern", "a pattern that no other pool has",
             in_ticks(pool.name_pattern.value),
             fmt::format("pool '{}' at {} has it", other->second->name.value,
                         to_text(other->second->name.place)));
  }

  void check_ranges(const NodePool& pool) {
    if (pool.address_ranges.empty())
      report(pool.name.place, "spec.addressRanges", "at least one network", "none");
    const bool is_routed = cluster_.pod_network.value == PodNetwork::routed;
    if (is_routed && !cluster_.node_cidr)
      report(pool.name.place, "spec.addressRanges",
             "the cluster's spec.nodeCidr, since routed pods need one L2 segment", "none");
    for (std::size_t index = 0; index < pool.address_ranges.size(); ++index)
      check_range(pool.address_ranges[index], fmt::format("spec.addressRanges[{}]", index));
  }

  // The token names cluster and pool; what it does not say must be written.
  void check_proofs(const NodePool& pool) {
    std::vector<std::string> names;
    for (const auto& proof : pool.proofs) names.push_back(proof.value);
    const auto has = [&](std::string_view proof) {
      return std::find(names.begin(), names.end(), proof) != names.end();
    };
    const auto found = names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
    const Place& place =
        pool.proofs.empty() || !is_set(pool.proofs[0]) ? pool.name.place : pool.proofs[0].place;
    if (!has("token"))
      report(place, "spec.proofs", "token among them, since it names the pool", found);
    if (has("instanceIdentity") && !pool.instance_identity)
      report(place, "spec.instanceIdentity",
             "accounts and regions, since members prove by an EC2 instance identity document",
             "none", "write `proofs: [token]` where a token alone is to be enough");
    if (!has("instanceIdentity") && pool.instance_identity)
      report(pool.instance_identity->place, "spec.proofs",
             "instanceIdentity among them, since there is a policy for it", found);
  }

  void check_range(const Sourced<std::string>& written, const std::string& field) {
    const auto range = parse_cidr(written.value);
    if (!range) return;
    const auto refuse_overlap = [&](const char* name, const std::string& text) {
      const auto network = parse_cidr(text);
      if (network && network->overlaps(*range))
        report(written.place, field, fmt::format("a network outside {} {}", name, text),
               in_ticks(written.value));
    };
    refuse_overlap("podCidr", cluster_.pod_cidr.value);
    refuse_overlap("serviceCidr", cluster_.service_cidr.value);
    if (!cluster_.node_cidr) return;
    const auto machines = parse_cidr(cluster_.node_cidr->value);
    if (machines && !machines->contains(*range))
      report(written.place, field,
             fmt::format("a network in nodeCidr {}", cluster_.node_cidr->value),
             in_ticks(written.value));
  }

  const Cluster& cluster_;
  std::vector<InventoryProblem>& problems_;
  std::map<std::string, const NodePool*> patterns_;
};

}  // namespace

void check_pools(const Cluster& cluster, const std::vector<const NodePool*>& pools,
                 const std::vector<const Node*>& nodes, std::vector<InventoryProblem>& problems) {
  PoolChecker checker(cluster, problems);
  std::size_t machines = nodes.size();
  for (const NodePool* pool : pools) {
    checker.check(*pool);
    checker.check_names(*pool, nodes);
    machines += static_cast<std::size_t>(pool->maximum.value);
    checker.check_room(*pool, machines);
  }
}

}  // namespace muster
