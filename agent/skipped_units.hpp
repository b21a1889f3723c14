// A unit whose Condition does not hold is not started, and systemd calls that done: the start's job
// tells nobody. Reads only.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

// After their start. conflict: one of them was skipped; the error names the condition, the drop-in
// that has it and the cure. Where systemd does not answer nothing is said.
[[nodiscard]] Result<void> none_is_skipped(const Host& host, const std::vector<std::string>& units);

}  // namespace muster
