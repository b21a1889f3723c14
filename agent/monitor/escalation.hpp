// When a monitor restarts its unit and when it gives up: data in, decision out. Pure; thread-safe.
#pragma once

#include <chrono>
#include <optional>

#include "agent/monitor/monitor.hpp"

namespace muster {

enum class MonitorStep { none, restart, give_up };

// What one probe found. `settled` is false while the unit is stopped, starting or stopping, or
// while what it depends on is not up: such a probe says nothing.
struct MonitorFinding {
  bool settled = true;
  bool healthy = true;
  std::uint32_t main_pid = 0;  // another process than before has its own time to start
};

struct MonitorMemory {
  std::optional<std::chrono::nanoseconds> failing_since, healthy_since;
  std::chrono::nanoseconds process_since{0};
  std::uint32_t main_pid = 0;
  int restarts = 0;
  bool gave_up = false;
};

// `now` is CLOCK_BOOTTIME. Hysteresis both ways: a restart needs failing_for without one healthy
// probe and a process older than grace_after_start; the count of restarts falls to zero after
// healthy_for of health. After maximum_restarts one give_up, then none until healthy again.
[[nodiscard]] MonitorStep next_step(const MonitorSubject& subject, const MonitorFinding& finding,
                                    std::chrono::nanoseconds now, MonitorMemory& memory);

}  // namespace muster
