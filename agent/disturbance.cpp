#include "agent/disturbance.hpp"

namespace muster {

std::string Disturbances::trouble_of(const std::string& unit, const UnitStatus& status,
                                     bool is_boot) const {
  const auto known = known_.find(unit);
  const bool is_first = known == known_.end();
  const bool was_started = !is_first && known->second.active_state.empty();
  if (!is_running(status)) {
    if (status.active_state == "inactive" && is_first && is_boot) return {};
    return status.active_state;
  }
  if (is_first) return {};
  const UnitStatus& before = known->second;
  if (was_started) return status.restarts > 0 ? "restarted by systemd" : std::string();
  if (status.restarts > before.restarts) return "restarted by systemd";
  // Whoever starts a unit by hand sets its count back.
  return status.main_pid != before.main_pid ? "started anew" : std::string();
}

void Disturbances::look(const std::map<std::string, UnitStatus>& units, bool is_boot) {
  for (const auto& [unit, status] : units) {
    if (auto trouble = trouble_of(unit, status, is_boot); !trouble.empty()) {
      found_.try_emplace(unit, std::move(trouble));
    }
    // One that is not there has nothing to be compared with, and its next look is a first one.
    if (!is_running(status)) continue;
    known_[unit] = status;
  }
}

void Disturbances::starting(const std::vector<std::string>& units) {
  for (const auto& unit : units) known_[unit] = UnitStatus{};
}

}  // namespace muster
