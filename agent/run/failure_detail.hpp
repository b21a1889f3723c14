// Why an attempt failed, beside its class and message: the unit, the last lines of its journal and
// the cure, cut to size and without secrets, so that the server alone can tell it. Reads only.
#pragma once

#include <string>
#include <vector>

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "agent/run/secret_mask.hpp"
#include "machine/desired_state.hpp"

namespace muster {

// Of one line of a log, in bytes, after what is secret in it was taken out.
inline constexpr std::size_t longest_log_line = 400;

// Everything that this machine holds as a secret.
[[nodiscard]] SecretMask machine_secrets(const Run& run, const DesiredState& desired);

// What failed: an attempt with a document that may be to blame, or the health of what worked
// before, which the agent puts back by itself.
enum class FailureOf { attempt, health };

// Fills in each `detail` and masks each `error.message`, where that was not done yet; what is held
// back keeps it for as long as it is (Memory::backoff). The class stays as it is; a unit and a cure
// that are there already stay too. Where the message names the unit's journal, the component's own
// last line of an error stands before that. Best effort: what cannot be read is left out. `unwell`
// is masked.
void add_details(const std::vector<Failure*>& failures, std::vector<HealthProblem>& unwell,
                 const Run& run, const DesiredState& desired, FailureOf of = FailureOf::attempt);

// The unit that the message of a failed job names: the first one whose component has this class,
// else the first one. Empty where it names none.
[[nodiscard]] std::string failed_unit(const Failure& failure);

}  // namespace muster
