#include "upkeep.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/instance_use.hpp"
#include "fleet/machine_removal.hpp"
#include "fleet/unused_counts.hpp"

namespace muster {

namespace {

constexpr std::chrono::seconds publish_drains_interval{10};
constexpr std::chrono::minutes collect_instances_interval{10};
constexpr std::chrono::hours audit_interval{1};

}  // namespace

Upkeep::Upkeep(const Fleet& fleet, const Settings& settings)
    : fleet_(fleet),
      settings_(settings),
      hook_(settings.expiry_hook),
      keeper_(fleet, settings.member_quarantine, [this](const OnDemandCluster& cluster) {
        hook_.warn(cluster, unix_seconds(fleet_.enrolment.now()));
      }) {}

Result<void> Upkeep::tick() {
  const TimePoint time = fleet_.enrolment.now();
  // A full disk is no reason to stop: they are kept, bounded, and written later.
  if (auto told = fleet_.enrolment.counts.flush(fleet_.store, time); !told)
    spdlog::debug("audit: counts of refused calls: {}", told.error().message);
  if (auto kept = keeper_.tick(); !kept) return kept;
  if (auto done = see_off(time); !done) return done;
  if (auto collected = collect_instances(time); !collected) return collected;
  return rotate_audit_files(time);
}

// Machines that leave, and tokens that nobody needs any more.
Result<void> Upkeep::see_off(TimePoint time) {
  if (time >= publish_drains_at_) {
    publish_drains_at_ = time + publish_drains_interval;
    if (auto told = publish_drains(fleet_); !told)
      return fail(told.error().kind, told.error().message);
  }
  for (const auto& done :
       {finish_drains(fleet_), vanish_watch_.look(fleet_), revoke_unused_counts(fleet_)}) {
    if (!done) return fail(done.error().kind, done.error().message);
  }
  return {};
}

// Instances whose document is too old for anybody, and whose member is gone.
Result<void> Upkeep::collect_instances(TimePoint time) {
  if (time < collect_instances_at_) return {};
  collect_instances_at_ = time + collect_instances_interval;
  const auto collected = collect_instance_uses(fleet_.store, unix_seconds(time));
  if (!collected && collected.error().kind != ErrorKind::conflict) return pass(collected.error());
  return {};
}

// One file at a time, so that nobody waits long for the store. A full disk is no reason to stop.
Result<void> Upkeep::rotate_audit_files(TimePoint time) {
  if (time < rotate_audit_at_) return {};
  rotate_audit_at_ = time + audit_interval;
  const auto rotated = rotate_audit(fleet_.store, audit_path(settings_), settings_.audit, time);
  if (!rotated) {
    spdlog::error("audit: older rows stay in the store, and are tried again in an hour: {}",
                  rotated.error().message);
    return {};
  }
  if (!rotated->is_complete) rotate_audit_at_ = time;
  if (rotated->moved > 0) {
    spdlog::info("audit: moved {} rows into '{}'", rotated->moved, audit_path(settings_));
  }
  return {};
}

}  // namespace muster
