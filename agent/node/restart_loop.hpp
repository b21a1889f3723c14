// Units that run at every look and restart between the looks: told by how often systemd restarted
// them, over time. Pure; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "document/report.hpp"

namespace muster {

// What is remembered of one unit; changes only when it restarted.
struct UnitRestarts {
  std::uint32_t count = 0;       // systemd's own, at the last look
  std::vector<std::int64_t> at;  // Unix seconds of the looks that found another restart, one each
  friend bool operator==(const UnitRestarts&, const UnitRestarts&) = default;
};
using Restarts = std::map<std::string, UnitRestarts>;  // by unit

inline constexpr std::chrono::seconds loop_window{300};
inline constexpr std::size_t loop_restarts = 3;  // within the window

// What is remembered from now on: of the units that were looked at, and of no other. The first look
// at a unit takes its count as it is. systemd counts anew from a start by hand and from a reboot.
[[nodiscard]] Restarts note_restarts(const Restarts& before,
                                     const std::map<std::string, UnitStatus>& units,
                                     std::int64_t now);

// How often, within loop_window.
[[nodiscard]] std::size_t recent_restarts(const Restarts& restarts, const std::string& unit,
                                          std::int64_t now);

// Since when a unit runs, in Unix seconds; nothing where it does not.
using RunsSince = std::function<std::optional<std::int64_t>(const std::string& unit)>;

// The units that restarted loop_restarts times or more within loop_window.
[[nodiscard]] std::vector<HealthProblem> restart_loops(const Restarts& restarts, std::int64_t now,
                                                       const RunsSince& runs_since);

}  // namespace muster
