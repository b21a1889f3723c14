// The phases of a machine's last boot, from power-on until it settled: gathered from its reports,
// and left alone by what the machine does afterwards. Pure values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "document/report.hpp"

namespace muster {

struct BootTimeline {
  std::string boot_id;
  std::vector<Phase> phases;
  bool is_settled = false;  // with a verdict that is no failure: what comes later is no boot
};

// What the next report adds: another boot begins anew, later attempts of one that has not settled
// are appended (at most 200 phases).
void add_report(BootTimeline& boot, const Report& report);

// {"bootId","settled","phases"}; null before the first report.
[[nodiscard]] nlohmann::json to_value(const BootTimeline& boot);
// Of what to_value() made; anything else is an empty one.
[[nodiscard]] BootTimeline boot_timeline_of(const nlohmann::json& value);

}  // namespace muster
