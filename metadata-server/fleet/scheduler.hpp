// Does what the schedule says is due (records/schedule): one tick after the other, by one thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fleet/fleet.hpp"
#include "fleet/on_demand.hpp"
#include "records/schedule.hpp"

namespace muster {

class Scheduler {
 public:
  // `warn` is called once per warning, after it was written down; it must not wait. `quarantine`:
  // how long the places of removed members are held.
  Scheduler(const Fleet& fleet, std::chrono::seconds quarantine,
            std::function<void(const OnDemandCluster&)> warn)
      : fleet_(fleet), quarantine_(quarantine), warn_(std::move(warn)) {}

  // Costs one read where nothing is due. What fails is logged and tried again half a minute later;
  // what else is due does not wait for it. An error: the store does not answer.
  [[nodiscard]] Result<void> tick();

 private:
  [[nodiscard]] Result<void> carry_out(const ScheduleRow& row);
  [[nodiscard]] Result<void> advance_cluster(const ScheduleRow& row);
  [[nodiscard]] Result<void> end_member(const ScheduleRow& row);
  [[nodiscard]] Result<void> release_members(const ScheduleRow& row);

  const Fleet& fleet_;
  std::chrono::seconds quarantine_;
  std::function<void(const OnDemandCluster&)> warn_;
  std::map<std::string, std::int64_t> failed_;  // "what name" -> when to try again, Unix seconds
};

}  // namespace muster
