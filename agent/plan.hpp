// From what is wanted and what is there to a list of actions. Pure. An empty plan means that
// nothing is written and nothing is started.
#pragma once

#include <string>

#include "agent/action.hpp"
#include "agent/effects/observed_state.hpp"
#include "agent/run_kind.hpp"
#include "agent/state/checkpoint.hpp"
#include "agent/unit_decision.hpp"

namespace muster {

// `settled`: what is lost while it waits for a turn is put back from there (unit_decision.hpp).
[[nodiscard]] Plan make_plan(const DesiredState& desired, const ObservedState& observed,
                             const Checkpoint& checkpoint, RunKind kind,
                             const SettledState* settled = nullptr);

// The part that needs nothing of the machine's own services: releases, certificates, secrets.
[[nodiscard]] Plan foundation_of(const Plan& plan);
// The plan without what only the foundation does, once, whether or not it could.
[[nodiscard]] Plan rest_of(const Plan& plan);
// Everything up to and including the start of this unit, and of no other.
[[nodiscard]] Plan up_to_unit(const Plan& plan, const std::string& unit);

}  // namespace muster
