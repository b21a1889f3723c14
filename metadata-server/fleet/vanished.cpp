#include "fleet/vanished.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "fleet/machine_removal.hpp"

namespace muster {
namespace {

constexpr std::chrono::seconds look_interval{30};
// The shortest vanishedAfter that may be written.
constexpr std::chrono::minutes shortest{5};
// Heard of lately: three polls of a machine that is well.
constexpr std::int64_t lately = 180;
constexpr std::chrono::minutes window{10};

struct Patience {
  std::int64_t limit = 0;    // seconds; 0: it never vanishes
  std::int64_t silence = 0;  // so far
};

Result<Patience> patience_with(const Fleet& fleet, const NodeName& node) {
  const auto member = find_member(fleet.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  if (!*member || (*member)->record.removed_at != 0) return Patience{};
  const MemberRecord& record = (*member)->record;
  const auto inventory = fleet.enrolment.inventory();
  const NodePool* pool = inventory->pool(node.cluster, record.pool);
  if (pool == nullptr || is_control_plane(record.role)) return Patience{};
  return Patience{pool->vanished_after.value.count(),
                  fleet.reports.silence_of(node, fleet.enrolment.now(), record.admitted_at)};
}

}  // namespace

Result<void> expect_members(const Fleet& fleet) {
  for (const auto& cluster : fleet.current.clusters()) {
    const auto members = list_members(fleet.store, cluster);
    if (!members) return pass(members.error());
    for (const auto& member : *members) {
      if (member.removed_at == 0) fleet.reports.expect({cluster, member.node});
    }
  }
  return {};
}

Result<std::optional<std::int64_t>> vanishes_at(const Fleet& fleet, const NodeName& node) {
  const TimePoint now = fleet.enrolment.now();
  // Most machines are well, and cost no look into the store.
  if (fleet.reports.silence_of(node, now) < shortest / std::chrono::seconds(2)) return std::nullopt;
  const auto patience = patience_with(fleet, node);
  if (!patience) return pass(patience.error());
  if (patience->limit == 0 || patience->silence < patience->limit / 2) return std::nullopt;
  return unix_seconds(now) - patience->silence + patience->limit;
}

Result<std::map<std::string, std::vector<VanishWatch::Silent>>> VanishWatch::vanished(
    const Fleet& fleet) {
  std::map<std::string, std::vector<Silent>> found;
  for (const NodeName& node : fleet.reports.silent_since(fleet.enrolment.now() - shortest)) {
    const auto patience = patience_with(fleet, node);
    if (!patience) return pass(patience.error());
    if (patience->limit != 0 && patience->silence >= patience->limit)
      found[node.cluster].push_back({node, patience->silence});
  }
  return found;
}

// How many may go now: a tenth of the cluster in ten minutes, and nobody unless half of its
// machines, a master among them, are heard of. Else it is the network, or the server's own clock.
std::size_t VanishWatch::allowance(const Fleet& fleet, const std::string& cluster) {
  const auto served = fleet.current.cluster(cluster);
  if (!served) return 0;
  const TimePoint now = fleet.enrolment.now();
  std::size_t heard = 0;
  bool has_master = false;
  for (const auto& [node, answer] : served->documents) {
    const HeardMachine machine = fleet.reports.find({cluster, node});
    if (!machine.report || unix_seconds(now) - machine.seen_at > lately) continue;
    ++heard;
    has_master = has_master || !machine.report->etcd_member_id.empty();
  }
  if (!has_master || heard * 2 < served->documents.size()) return 0;
  Window& current = windows_[cluster];
  if (now >= current.end) current = {now + window, 0};
  const std::size_t most = std::max<std::size_t>(1, served->documents.size() / 10);
  return most - std::min(most, current.removed);
}

Result<void> VanishWatch::look(const Fleet& fleet) {
  const TimePoint now = fleet.enrolment.now();
  if (now < next_look_) return {};
  next_look_ = now + look_interval;
  std::erase_if(windows_, [&](const auto& entry) { return now >= entry.second.end; });
  auto clusters = vanished(fleet);
  if (!clusters) return pass(clusters.error());
  Result<void> all;
  for (auto& [cluster, machines] : *clusters) {
    std::sort(machines.begin(), machines.end(),
              [](const Silent& left, const Silent& right) { return left.seconds > right.seconds; });
    const std::size_t count = std::min(machines.size(), allowance(fleet, cluster));
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [node, seconds] = machines[i];
      spdlog::warn("{}/{}: not heard of for {} s, removed", cluster, node.node, seconds);
      if (auto removed = remove_now(fleet, node, "vanished"); !removed) {
        if (all) all = pass(removed.error());
        continue;
      }
      ++windows_[cluster].removed;
    }
    if (count > 0) try_publishing(fleet, cluster, "vanished");
  }
  return all;
}

}  // namespace muster
