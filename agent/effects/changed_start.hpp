// What a component's process was started with: noted when that process is first seen, as it lies on
// the disk then. A component that was started while one of its inputs was not as it should be runs
// on with that, however right it is by now. Reads only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/effects/observed_state.hpp"
#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

// By unit. Of a process that the checkpoint notes nothing is read but which one it is. An input of
// a new one that was written after it began is not known (empty). A unit of which nothing was noted
// yet (by an agent before 0.3) is taken to be right where the disk does not say otherwise.
[[nodiscard]] std::map<std::string, UnitStart> unit_starts(const Host& host,
                                                           const DesiredState& desired,
                                                           const ObservedState& observed,
                                                           const Checkpoint& checkpoint);

// Of a unit that the agent itself has just started: with what lies there now. Nothing: no process.
[[nodiscard]] std::optional<UnitStart> start_just_made(const Host& host, const DesiredUnit& unit,
                                                       const DesiredState& desired,
                                                       const UnitStatus& status,
                                                       const Checkpoint& checkpoint);

// Unit -> why its process has to be another one, by `observed.starts`. Of a unit that waits for a
// restart anyway nothing is said.
[[nodiscard]] std::map<std::string, std::string> changed_starts(const Filesystem& files,
                                                                const DesiredState& desired,
                                                                const ObservedState& observed,
                                                                const Checkpoint& checkpoint);

// Whether the reason is that of a file whose content is right.
[[nodiscard]] bool is_of_attributes(const std::string& reason);

}  // namespace muster
