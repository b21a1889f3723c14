// The one executor: takes a plan's actions in order and touches the machine. Decides nothing. Stops
// at the first failure; what was done stays done and is in the checkpoint, so that planning again
// goes on from there.
#pragma once

#include <string>
#include <vector>

#include "agent/action.hpp"
#include "agent/foundation/certificates.hpp"
#include "agent/run/failure.hpp"
#include "agent/session/session.hpp"

namespace muster {

struct ApplyInputs {
  const DesiredState& desired;
  const Authorities& authorities;
  const Session& session;            // its server away: actions that need it fail as network
  std::vector<std::string> sources;  // of artifacts
};

// The checkpoint is durable when it returns, also after a failure.
[[nodiscard]] ConvergeResult<> apply(const Plan& plan, Run& run, const ApplyInputs& inputs);

}  // namespace muster
