// A component that was started while one of its files was not as it should be runs on with that,
// however right the file is by now. Known by time: what lies there wrongly is older than the
// process. Reads only.
#pragma once

#include <map>
#include <string>

#include "agent/checkpoint.hpp"
#include "agent/host/host.hpp"
#include "agent/observed_state.hpp"

namespace muster {

// By unit: those noted before whose process still runs, and those seen now. Of a unit that waits
// for another restart nothing is said.
[[nodiscard]] std::map<std::string, ChangedStart> changed_starts(const Host& host,
                                                                 const DesiredState& desired,
                                                                 const ObservedState& observed,
                                                                 const Checkpoint& checkpoint);

// Whether the reason is that of a file whose content is right.
[[nodiscard]] bool is_of_attributes(const std::string& reason);

}  // namespace muster
