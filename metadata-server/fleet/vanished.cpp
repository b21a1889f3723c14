#include "fleet/vanished.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "enrolment/machine.hpp"
#include "enrolment/remove.hpp"
#include "fleet/machine_removal.hpp"
#include "records/seal.hpp"

namespace muster {
namespace {

// Heard of lately: three polls of a machine that is well.
constexpr std::int64_t lately = 180;
constexpr std::int64_t window = 600;

struct Patience {
  std::int64_t limit = 0;    // seconds; 0: it never vanishes
  std::int64_t silence = 0;  // so far
};

Patience patience_with(const Fleet& fleet, const MemberRecord& member) {
  const auto inventory = fleet.enrolment.inventory();
  const NodePool* pool = inventory->pool(member.cluster, member.pool);
  if (pool == nullptr || is_control_plane(member.role)) return {};
  return {pool->vanished_after.value.count(),
          fleet.reports.silence_of({member.cluster, member.node}, fleet.enrolment.now(),
                                   member.admitted_at)};
}

// What a banned machine would say is refused, so its silence tells nothing. One
// whose record cannot be read waits for an operator.
bool is_believed_gone(const Fleet& fleet, const NodeName& node) {
  const auto machine = find_machine(fleet.store, node);
  return machine && !machine->ban;
}

}  // namespace

std::optional<std::int64_t> vanishes_at(const Fleet& fleet, const NodeName& node) {
  const auto member = fleet.members.find(node);
  if (!member) return std::nullopt;
  const auto [limit, silence] = patience_with(fleet, *member);
  if (limit == 0 || silence < limit / 2 || !is_believed_gone(fleet, node)) return std::nullopt;
  return unix_seconds(fleet.enrolment.now()) - silence + limit;
}

std::map<std::string, std::vector<VanishWatch::Silent>> VanishWatch::vanished(const Fleet& fleet) {
  std::map<std::string, std::vector<Silent>> found;
  for (const MemberRecord& member : fleet.members.all()) {
    const auto [limit, silence] = patience_with(fleet, member);
    if (limit == 0 || silence < limit) continue;
    NodeName node{member.cluster, member.node};
    if (is_believed_gone(fleet, node)) found[member.cluster].push_back({std::move(node), silence});
  }
  return found;
}

// How many may go now: a tenth of the cluster in ten minutes, and nobody unless half of its
// machines, a master among them, are heard of. Else it is the network, or the server's own clock.
std::size_t VanishWatch::allowance(const Fleet& fleet, const std::string& cluster) {
  const auto served = fleet.current.cluster(cluster);
  if (!served) return 0;
  std::size_t heard = 0;
  bool has_master = false;
  for (const auto& [node, answer] : served->documents) {
    const HeardMachine machine = fleet.reports.find({cluster, node});
    if (!machine.heard_at || fleet.clock.since_boot() - *machine.heard_at > lately) continue;
    ++heard;
    has_master = has_master || !machine.report->etcd_member_id.empty();
  }
  if (!has_master || heard * 2 < served->documents.size()) return 0;
  Window& current = windows_[cluster];
  if (fleet.clock.since_boot() >= current.end) current = {fleet.clock.since_boot() + window, 0};
  const std::size_t most = std::max<std::size_t>(1, served->documents.size() / 10);
  return most - std::min(most, current.removed);
}

Result<void> VanishWatch::look(const Fleet& fleet) {
  if (!fleet.clock.believed_now()) return {};
  std::erase_if(windows_,
                [&](const auto& entry) { return fleet.clock.since_boot() >= entry.second.end; });
  Result<void> all;
  for (auto& [cluster, machines] : vanished(fleet)) {
    if (!check_not_sealed(fleet.store, cluster)) continue;
    auto removed = remove_longest_silent(fleet, cluster, std::move(machines));
    if (!removed && all) all = std::move(removed);
  }
  return all;
}

Result<void> VanishWatch::remove_longest_silent(const Fleet& fleet, const std::string& cluster,
                                                std::vector<Silent> machines) {
  std::sort(machines.begin(), machines.end(),
            [](const Silent& left, const Silent& right) { return left.seconds > right.seconds; });
  const std::size_t count = std::min(machines.size(), allowance(fleet, cluster));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [node, seconds] = machines[i];
    spdlog::warn("{}/{}: not heard of for {} s, removed", cluster, node.node, seconds);
    if (auto removed = remove_machine(fleet.enrolment, node, "vanished"); !removed) return removed;
    ++windows_[cluster].removed;
  }
  return {};
}

}  // namespace muster
