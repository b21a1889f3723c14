// The addons' part of a turn: look, put back, prune, remember.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/duties/kubectl.hpp"
#include "document/node_document.hpp"
#include "document/report.hpp"

namespace muster {

struct AddonTurn {
  bool are_ready = false;  // applied, there, and everything they wait for has rolled out
  std::vector<std::string> done, failed;  // as in DutiesOutcome
  std::vector<HealthProblem> unwell;
};

// A turn with nothing to do is one kubectl call, two where addons bring kinds of their own. An
// addon that fails stops the ones after it, which may need it, and the pruning. Idempotent, also
// when it is cut off anywhere. `is_new`: no Muster has applied anything in this cluster yet. What
// has not rolled out within `wait` is waited for by the next turn.
[[nodiscard]] AddonTurn keep_addons(const NodeDocument& document, bool is_new,
                                    const Kubectl& kubectl, Clock& clock,
                                    std::chrono::milliseconds wait);

}  // namespace muster
