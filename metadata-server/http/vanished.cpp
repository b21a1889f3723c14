#include "http/vanished.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "http/machine_removal.hpp"

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

Result<Patience> patience_with(const Rooms& rooms, const NodeName& node) {
  const auto member = find_member(rooms.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  if (!*member || (*member)->record.removed_at != 0) return Patience{};
  const MemberRecord& record = (*member)->record;
  const auto inventory = rooms.enrolment.inventory();
  const NodePool* pool = inventory->pool(node.cluster, record.pool);
  if (pool == nullptr || is_control_plane(record.role)) return Patience{};
  return Patience{pool->vanished_after.value.count(),
                  rooms.reports.silence_of(node, rooms.enrolment.now(), record.admitted_at)};
}

}  // namespace

Result<void> expect_members(const Rooms& rooms) {
  for (const auto& cluster : rooms.current.clusters()) {
    const auto members = list_members(rooms.store, cluster);
    if (!members) return pass(members.error());
    for (const auto& member : *members) {
      if (member.removed_at == 0) rooms.reports.expect({cluster, member.node});
    }
  }
  return {};
}

Result<std::optional<std::int64_t>> vanishes_at(const Rooms& rooms, const NodeName& node) {
  const TimePoint now = rooms.enrolment.now();
  // Most machines are well, and cost no look into the store.
  if (rooms.reports.silence_of(node, now) < shortest / std::chrono::seconds(2)) return std::nullopt;
  const auto patience = patience_with(rooms, node);
  if (!patience) return pass(patience.error());
  if (patience->limit == 0 || patience->silence < patience->limit / 2) return std::nullopt;
  return unix_seconds(now) - patience->silence + patience->limit;
}

Result<std::map<std::string, std::vector<VanishWatch::Silent>>> VanishWatch::vanished(
    const Rooms& rooms) {
  std::map<std::string, std::vector<Silent>> found;
  for (const NodeName& node : rooms.reports.silent_since(rooms.enrolment.now() - shortest)) {
    const auto patience = patience_with(rooms, node);
    if (!patience) return pass(patience.error());
    if (patience->limit != 0 && patience->silence >= patience->limit)
      found[node.cluster].push_back({node, patience->silence});
  }
  return found;
}

// How many may go now: a tenth of the cluster in ten minutes, and nobody unless half of its
// machines, a master among them, are heard of. Else it is the network, or the server's own clock.
std::size_t VanishWatch::allowance(const Rooms& rooms, const std::string& cluster) {
  const auto served = rooms.current.cluster(cluster);
  if (!served) return 0;
  const TimePoint now = rooms.enrolment.now();
  std::size_t heard = 0;
  bool has_master = false;
  for (const auto& [node, answer] : served->documents) {
    const HeardMachine machine = rooms.reports.find({cluster, node});
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

Result<void> VanishWatch::look(const Rooms& rooms) {
  const TimePoint now = rooms.enrolment.now();
  if (now < next_look_) return {};
  next_look_ = now + look_interval;
  std::erase_if(windows_, [&](const auto& entry) { return now >= entry.second.end; });
  auto clusters = vanished(rooms);
  if (!clusters) return pass(clusters.error());
  for (auto& [cluster, machines] : *clusters) {
    std::sort(machines.begin(), machines.end(),
              [](const Silent& left, const Silent& right) { return left.seconds > right.seconds; });
    const std::size_t count = std::min(machines.size(), allowance(rooms, cluster));
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [node, seconds] = machines[i];
      spdlog::warn("{}/{}: not heard of for {} s, removed", cluster, node.node, seconds);
      if (auto removed = remove_now(rooms, node, "vanished"); !removed) return removed;
      ++windows_[cluster].removed;
    }
    if (count == 0) continue;
    const auto published = republish(rooms.publishing, cluster, "vanished");
    if (!published) return pass(published.error().error);
    if (auto reloaded = rooms.reload_inventory(cluster); !reloaded) return pass(reloaded.error());
  }
  return {};
}

}  // namespace muster
