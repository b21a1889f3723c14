// Does what the schedule says is due (records/schedule), while the clock can be believed. One
// thread.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
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

  // All that is due, until `stop`. Costs one read where nothing is. What fails is tried again half
  // a minute later, and what else is due does not wait for it. An error: the first row that failed
  // and was not done since, or the store does not answer. A no-op while the clock is in doubt.
  [[nodiscard]] Result<void> carry_out_due(const std::stop_token& stop = {});

 private:
  struct Failure {
    ScheduleRow row;
    std::int64_t again_at = 0;  // since boot
    Error error;
  };
  [[nodiscard]] Result<void> first_failure();
  [[nodiscard]] bool is_sealed_row(const ScheduleRow& row) const;
  [[nodiscard]] Result<void> carry_out(const ScheduleRow& row, TimePoint now);
  [[nodiscard]] Result<void> try_once(const ScheduleRow& row, TimePoint now);
  [[nodiscard]] Result<void> advance_cluster(const ScheduleRow& row, TimePoint now);
  [[nodiscard]] Result<void> end_member(const ScheduleRow& row);
  [[nodiscard]] Result<void> release_members(const ScheduleRow& row, TimePoint now);

  const Fleet& fleet_;
  std::chrono::seconds quarantine_;
  std::function<void(const OnDemandCluster&)> warn_;
  std::map<std::string, Failure> failed_;  // by row: "what name"
};

}  // namespace muster
