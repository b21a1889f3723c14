#include "fleet/boot_timeline.hpp"

#include <algorithm>

namespace muster {
namespace {

constexpr std::size_t most_phases = 200;

nlohmann::json to_rows(const std::vector<Phase>& phases) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Phase& phase : phases) {
    rows.push_back({{"name", phase.name},
                    {"startUs", phase.start_us},
                    {"endUs", phase.end_us},
                    {"detail", phase.detail}});
  }
  return rows;
}

// A later attempt tells the stages before the agent again, as ending when that attempt began: what
// started before the last known phase is known already.
void add_phase(std::vector<Phase>& phases, const Phase& phase) {
  if (!phases.empty()) {
    Phase& last = phases.back();
    if (phase.start_us < last.start_us) return;
    if (phase.start_us == last.start_us && phase.name == last.name) {
      if (last.end_us == 0) last = phase;
      return;
    }
    if (last.end_us == 0) last.end_us = phase.start_us;
  }
  if (phases.size() < most_phases) phases.push_back(phase);
}

}  // namespace

void add_report(BootTimeline& boot, const Report& report) {
  if (boot.boot_id != report.boot_id) boot = {report.boot_id, {}, false};
  if (boot.is_settled) return;
  for (const Phase& phase : report.phases) add_phase(boot.phases, phase);
  boot.is_settled =
      report.verdict == Verdict::converged || report.verdict == Verdict::pending_changes;
}

nlohmann::json to_value(const BootTimeline& boot) {
  if (boot.boot_id.empty() && boot.phases.empty()) return nullptr;
  return {{"bootId", boot.boot_id}, {"settled", boot.is_settled}, {"phases", to_rows(boot.phases)}};
}

BootTimeline boot_timeline_of(const nlohmann::json& value) {
  BootTimeline boot;
  if (!value.is_object() || !value.contains("phases") || !value["phases"].is_array()) return boot;
  const auto text = [](const nlohmann::json& row, const char* field) {
    const auto found = row.find(field);
    return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number = [](const nlohmann::json& row, const char* field) {
    const auto found = row.find(field);
    return found != row.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  };
  boot.boot_id = text(value, "bootId");
  boot.is_settled = value.value("settled", nlohmann::json(false)) == true;
  for (const auto& row : value["phases"]) {
    if (!row.is_object() || boot.phases.size() >= most_phases) continue;
    boot.phases.push_back(
        {text(row, "name"), number(row, "startUs"), number(row, "endUs"), text(row, "detail")});
  }
  return boot;
}

}  // namespace muster
