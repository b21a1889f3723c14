// A document is settled once every unit whose configuration it changed was seen to run on it: its
// start alone says little of a component that exits right after it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/converge.hpp"
#include "agent/run/exit_watch.hpp"

namespace muster {

inline constexpr std::chrono::seconds long_enough{5};  // for a process that is there, to work

// The units that the document tried starts with another configuration than the settled one does;
// all where there is none to go back to, none where the settled one is tried.
[[nodiscard]] std::vector<std::string> units_on_trial(const Run& run, const ConvergeState& state);

// "" where the unit works as it was started: its start said so (UnitTraits), or it listens on its
// port, and systemd has not restarted it since; or, whatever happened before, its process has been
// there for long enough. Else why not.
[[nodiscard]] std::string unproven_reason(const Host& host, const std::string& unit,
                                          const UnitStatus& status);

// True once all of them are proven; false where they are not when a `limit` of zero is over: the
// next poll looks again. Else the failure tells of one that exits, or does not come to run.
[[nodiscard]] ConvergeResult<bool> await_proof(const Run& run,
                                               const std::vector<std::string>& units,
                                               ExitWatch& exits, std::chrono::milliseconds limit);

}  // namespace muster
