#include "agent/node/restart_loop.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/time_text.hpp"

namespace muster {
namespace {

constexpr std::size_t remembered_at_most = 16;

std::size_t count_recent(const UnitRestarts& unit, std::int64_t now) {
  return static_cast<std::size_t>(std::count_if(
      unit.at.begin(), unit.at.end(),
      [now](std::int64_t at) { return at <= now && now - at < loop_window.count(); }));
}

void add_restarts(UnitRestarts& unit, std::uint32_t count, std::int64_t now) {
  const std::uint32_t more = count < unit.count ? count : count - unit.count;
  unit.count = count;
  if (more == 0) return;
  std::erase_if(unit.at,
                [now](std::int64_t at) { return at > now || now - at >= loop_window.count(); });
  unit.at.insert(unit.at.end(), std::min<std::size_t>(more, remembered_at_most), now);
  if (unit.at.size() > remembered_at_most) {
    unit.at.erase(unit.at.begin(), unit.at.end() - remembered_at_most);
  }
}

}  // namespace

Restarts note_restarts(const Restarts& before, const std::map<std::string, UnitStatus>& units,
                       std::int64_t now) {
  Restarts restarts;
  for (const auto& [name, status] : units) {
    const auto known = before.find(name);
    if (known == before.end()) {
      restarts[name].count = status.restarts;
      continue;
    }
    restarts[name] = known->second;
    add_restarts(restarts[name], status.restarts, now);
  }
  return restarts;
}

std::size_t recent_restarts(const Restarts& restarts, const std::string& unit, std::int64_t now) {
  const auto found = restarts.find(unit);
  return found == restarts.end() ? 0 : count_recent(found->second, now);
}

std::vector<HealthProblem> restart_loops(const Restarts& restarts, std::int64_t now,
                                         const RunsSince& runs_since) {
  std::vector<HealthProblem> problems;
  for (const auto& [name, unit] : restarts) {
    const auto recent = count_recent(unit, now);
    if (recent < loop_restarts) continue;
    const auto since = runs_since(name);
    problems.push_back(
        {"unit " + name,
         fmt::format("restarted {} times within {} minutes{}; journalctl -u {} -b", recent,
                     loop_window.count() / 60,
                     since ? ", runs since " + short_utc_text(*since, now) : std::string(), name),
         0});
  }
  return problems;
}

}  // namespace muster
