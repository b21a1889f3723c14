#include "background_tasks.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/instance_use.hpp"
#include "fleet/machine_removal.hpp"
#include "fleet/unused_counts.hpp"

namespace muster {

BackgroundTasks::BackgroundTasks(const Fleet& fleet, const Settings& settings,
                                 ServerListeners& listeners, TaskBoard& board,
                                 std::function<Result<void>()> keep_mark)
    : fleet_(fleet),
      settings_(settings),
      listeners_(listeners),
      board_(board),
      hook_(settings.expiry_hook),
      scheduler_(fleet, settings.member_quarantine,
                 [this](const OnDemandCluster& cluster) {
                   hook_.warn(cluster, unix_seconds(fleet_.enrolment.now()));
                 }),
      keep_mark_(std::move(keep_mark)) {}

void BackgroundTasks::add(std::string name, std::chrono::milliseconds interval,
                          std::function<Result<void>(std::stop_token)> run) {
  threads_.push_back(std::make_unique<TaskThread>(
      BackgroundTask{std::move(name), interval, std::move(run)}, board_));
}

void BackgroundTasks::start() {
  using std::chrono::seconds, std::chrono::minutes, std::chrono::hours;
  add("clock", seconds(1), [this](auto) { return fleet_.clock.keep(fleet_.store); });
  add("listener-certificates", seconds(1),
      [this](auto) { return listeners_.keep_certificates_valid(fleet_.enrolment.now()); });
  add("served-documents", seconds(1), [this](auto) { return fleet_.reports.flush(fleet_.store); });
  add("audit-counts", seconds(1),
      [this](auto) { return fleet_.enrolment.counts.flush(fleet_.store, fleet_.enrolment.now()); });
  add("schedule", seconds(1), [this](auto) { return scheduler_.carry_out_due(); });
  add("publisher", seconds(1), [this](auto) { return fleet_.publisher.look(); });
  add("drains", seconds(1), [this](auto) { return finish_drains(fleet_); });
  add("vanished-members", seconds(30), [this](auto) { return vanish_watch_.look(fleet_); });
  add("token-cleanup", seconds(1), [this](auto) { return revoke_unused_counts(fleet_); });
  add("store-mark", seconds(5), [this](auto) { return keep_mark_(); });
  add("instance-records", minutes(10), [this](auto) { return collect_instances(); });
  add("audit-archive", hours(1),
      [this](const std::stop_token& stop) { return archive_audit(stop); });
}

void BackgroundTasks::stop() {
  threads_.clear();
}

// Instances whose document is too old for anybody, and whose member is gone.
Result<void> BackgroundTasks::collect_instances() const {
  const auto now = fleet_.clock.believed_now();
  if (!now) return {};
  const auto collected = collect_instance_uses(fleet_.store, unix_seconds(*now));
  if (!collected && collected.error().kind != ErrorKind::conflict) return pass(collected.error());
  return {};
}

// One file at a time, so that nobody waits long for the store.
Result<void> BackgroundTasks::archive_audit(const std::stop_token& stop) const {
  const std::string folder = audit_path(settings_);
  while (!stop.stop_requested()) {
    const auto now = fleet_.clock.believed_now();
    if (!now) return {};
    const auto rotated = rotate_audit(fleet_.store, folder, settings_.audit, *now);
    if (!rotated) return while_doing(rotated.error(), "older rows stay in the store");
    if (rotated->moved > 0) spdlog::info("audit: moved {} rows into '{}'", rotated->moved, folder);
    if (rotated->is_complete) break;
  }
  return {};
}

}  // namespace muster
