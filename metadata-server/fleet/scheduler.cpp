#include "fleet/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <set>

#include "enrolment/expiry.hpp"
#include "fleet/cluster_end.hpp"
#include "fleet/machine_removal.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t rows_at_once = 16;
constexpr std::int64_t retry_after = 30;  // seconds
constexpr std::int64_t look_again_after = 10;

}  // namespace

Result<void> Scheduler::carry_out_due(const std::stop_token& stop) {
  std::set<std::string> seen;  // in this run
  for (bool is_more = true; is_more && !stop.stop_requested();) {
    is_more = false;
    const auto now = fleet_.clock.believed_now();
    const auto due = list_due(fleet_.store, now ? unix_seconds(*now) : 0,
                              rows_at_once + failed_.size() + seen.size());
    if (!due) return pass(due.error());
    for (const ScheduleRow& row : *due) {
      if (!now && row.what != scheduled::sweep) continue;  // which goes by no clock
      const std::string subject = fmt::format("{} {}", row.what, row.name);
      const auto failed = failed_.find(subject);
      const bool waits =
          failed != failed_.end() && fleet_.clock.since_boot() < failed->second.again_at;
      if (waits || stop.stop_requested() || !seen.insert(subject).second) continue;
      if (is_sealed_row(row)) continue;
      is_more = true;
      const auto done = carry_out(row, now.value_or(TimePoint()));
      failed_.erase(subject);
      if (!done)
        failed_[subject] = {row, fleet_.clock.since_boot() + retry_after,
                            while_doing(done.error(), subject).value()};
    }
  }
  return first_failure();
}

// The backup may not know that it was put off: it waits until the cluster is opened.
bool Scheduler::is_sealed_row(const ScheduleRow& row) const {
  if (row.what == scheduled::lapse) return false;
  return !check_not_sealed(fleet_.store, row.name.substr(0, row.name.find('/')));
}

Result<void> Scheduler::first_failure() {
  while (!failed_.empty()) {
    const auto& [row, again_at, error] = failed_.begin()->second;
    const auto is_there = is_scheduled(fleet_.store, row);
    if (!is_there) return pass(is_there.error());
    if (*is_there) return pass(error);
    failed_.erase(failed_.begin());  // somebody took it back
  }
  return {};
}

Result<void> Scheduler::carry_out(const ScheduleRow& row, TimePoint now) {
  constexpr int attempts = 10;  // somebody wrote what it rests on: it is read anew
  for (int attempt = 1;; ++attempt) {
    auto done = try_once(row, now);
    if (done || done.error().kind != ErrorKind::conflict || attempt == attempts) return done;
  }
}

Result<void> Scheduler::try_once(const ScheduleRow& row, TimePoint now) {
  if (row.what == scheduled::cluster) return advance_cluster(row, now);
  if (row.what == scheduled::member) return end_member(row);
  if (row.what == scheduled::released) return release_members(row, now);
  if (row.what == scheduled::lapse) return let_lapse(fleet_.store, row);
  if (row.what == scheduled::sweep) return sweep_late_orders(fleet_, row.name);
  if (row.what.empty()) return check_schedule_record({row.name, {}, 0});
  return fail(ErrorKind::corrupt, "expected cluster, member, released, lapse or sweep");
}

Result<void> Scheduler::advance_cluster(const ScheduleRow& row, TimePoint now) {
  const auto due = advance_expiry(fleet_.publishing, row, now);
  if (!due) return pass(due.error());
  if (!*due) return {};
  const OnDemandCluster& cluster = (*due)->cluster;
  if ((*due)->has_ended)
    return end_cluster(fleet_,
                       {cluster.name, "expiry", "cluster-expired", {}, {}, (*due)->version});
  spdlog::warn("cluster {}: ends in {} s; `muster cluster extend {} --ttl 4h` lets it live longer",
               cluster.name, cluster.expires_at - unix_seconds(now), cluster.name);
  warn_(cluster);
  return {};
}

Result<void> Scheduler::end_member(const ScheduleRow& row) {
  const auto ended = expire_member(fleet_.enrolment, row);
  if (!ended) return pass(ended.error());
  if (!*ended) return {};
  const NodeName& node = **ended;
  spdlog::info("expiry: removed {}/{}", node.cluster, node.node);
  return {};
}

// Looked at again and again: when a Node object is gone is the duties' to tell.
Result<void> Scheduler::release_members(const ScheduleRow& row, TimePoint now) {
  const auto waits = release_places(fleet_, row.name, quarantine_, now);
  if (!waits) return pass(waits.error());
  Transaction transaction;
  remove_scheduled(row.at, row.what, row.name, transaction);
  const std::int64_t next = unix_seconds(now) + look_again_after;
  if (*waits) put_scheduled({next, row.what, row.name, {}}, transaction);
  return commit(fleet_.store, transaction);
}

}  // namespace muster
