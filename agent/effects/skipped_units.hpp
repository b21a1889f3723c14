// A unit whose Condition or Assert does not hold is not started. systemd calls the one done and the
// other 'assert', and names neither. Reads only.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

// After their start. conflict: one of them was skipped; the error names the condition, the drop-in
// that has it and the cure. Where systemd does not answer nothing is said.
[[nodiscard]] Result<void> none_is_skipped(const Host& host, const std::vector<std::string>& units);

// After a start that failed: what did not hold, its drop-in and the cure in the place of "job ended
// 'assert'". conflict: nothing else failed.
[[nodiscard]] tl::unexpected<Error> with_asserts(const Host& host,
                                                 const std::vector<std::string>& units,
                                                 Error error);

}  // namespace muster
