// What a running server does by itself from second to second: what is due by time, machines that
// leave, records that nobody needs any more. One thread.
#pragma once

#include "fleet/expiry_hook.hpp"
#include "fleet/fleet.hpp"
#include "fleet/scheduler.hpp"
#include "fleet/vanished.hpp"
#include "settings.hpp"

namespace muster {

class Upkeep {
 public:
  // Both are to outlive it.
  Upkeep(const Fleet& fleet, const Settings& settings);

  // About once a second. Costs some reads by key where nothing is due. An error: the store does not
  // answer.
  [[nodiscard]] Result<void> tick();

 private:
  [[nodiscard]] Result<void> see_off(TimePoint time);
  [[nodiscard]] Result<void> collect_instances(TimePoint time);
  [[nodiscard]] Result<void> rotate_audit_files(TimePoint time);

  const Fleet& fleet_;
  const Settings& settings_;
  ExpiryHook hook_;
  Scheduler keeper_;
  VanishWatch vanish_watch_;
  TimePoint publish_drains_at_, collect_instances_at_, rotate_audit_at_;
};

}  // namespace muster
