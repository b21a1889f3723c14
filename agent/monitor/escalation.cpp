#include "agent/monitor/escalation.hpp"

namespace muster {

MonitorStep next_step(const MonitorSubject& subject, const MonitorFinding& finding,
                      std::chrono::nanoseconds now, MonitorMemory& memory) {
  if (finding.main_pid != memory.main_pid) {
    memory.main_pid = finding.main_pid;
    memory.process_since = now;
    memory.failing_since.reset();
  }
  if (!finding.settled) {
    memory.failing_since.reset();
    return MonitorStep::none;
  }
  if (finding.healthy) {
    memory.failing_since.reset();
    if (!memory.healthy_since) memory.healthy_since = now;
    if (now - *memory.healthy_since >= subject.healthy_for) {
      memory.restarts = 0;
      memory.gave_up = false;
    }
    return MonitorStep::none;
  }
  memory.healthy_since.reset();
  if (!memory.failing_since) memory.failing_since = now;
  const bool long_enough = now - *memory.failing_since >= subject.failing_for &&
                           now - memory.process_since >= subject.grace_after_start;
  if (!long_enough || memory.gave_up) return MonitorStep::none;
  if (memory.restarts >= subject.maximum_restarts) {
    memory.gave_up = true;
    return MonitorStep::give_up;
  }
  ++memory.restarts;
  memory.failing_since.reset();
  return MonitorStep::restart;
}

}  // namespace muster
