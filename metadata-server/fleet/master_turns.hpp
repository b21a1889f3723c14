// The masters' turns (rollout/turns), with what the handlers know of the masters.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "enrolment/ban.hpp"
#include "fleet/fleet.hpp"
#include "rollout/turn_decision.hpp"

namespace muster {

// `muster node converge` of any machine, and `muster-agent converge --now` on a master. A node is
// told with its next report, a master in its turn.
// Answers what it waits for; empty: it is told when it next reports.
[[nodiscard]] Result<std::string> order_converge_of(const Fleet& fleet, const NodeName& node,
                                                    const std::string& by);
[[nodiscard]] Result<void> cancel_converge_of(const Fleet& fleet, const NodeName& node,
                                              const std::string& by);

// After a report was kept: whether its answer says converge. `note`: what its machine record said,
// which of a master is written only before it became one.
struct ConvergeAnswer {
  bool is_ordered = false;
  std::int64_t order = 0;  // which (ReportAnswer::order)
};
[[nodiscard]] Result<ConvergeAnswer> answers_converge(const Fleet& fleet, const NodeName& node,
                                                      const ReportNote& note);

// A cluster's turns for people: by node {"state": "holds"|"waits","since","by","message","heldUp"?:
// what is wrong with who has it}.
[[nodiscard]] Result<std::map<std::string, nlohmann::json>> turns_of(const Fleet& fleet,
                                                                     const std::string& cluster);

}  // namespace muster
