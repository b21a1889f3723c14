// Puts back what is not in effect, on a machine that goes on meanwhile: what fails takes with it
// only the units that need it, and is tried again after a pause.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/apply.hpp"
#include "document/report.hpp"

namespace muster {

struct Repaired {
  std::vector<Failure> failures;      // of what was tried now, or waits for its next try
  std::vector<HealthProblem> unwell;  // those, and the units that wait for what failed
};

// Each action of the plan that Memory::backoff does not hold back, in order. The checkpoint is
// durable when it returns.
[[nodiscard]] Repaired repair(const Plan& plan, Run& run, const ApplyInputs& inputs);

// A plan's actions that no document asked for now, since what they bring was in effect before; and
// the others. Failing, the former cost nobody the verdict.
[[nodiscard]] Plan only_put_back(const Plan& plan);
[[nodiscard]] Plan without_put_back(const Plan& plan);

// What the plan is about, as Memory::backoff names it.
[[nodiscard]] std::set<std::string> subjects_of(const Plan& plan);

}  // namespace muster
