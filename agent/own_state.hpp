// The agent's own state, before each run. What is damaged and can be had anew is set aside as
// NAME.damaged and told, in the journal and in the report; nothing of it ends the agent or keeps
// the machine from running what it has.
#pragma once

#include <functional>

#include "agent/host/host.hpp"
#include "agent/run/memory.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

// Puts the state in order and reads the checkpoint; where that is missing on a machine that has
// enrolled, or damaged, it is made anew of what the machine says (adoption.hpp). Under the run
// lock. What is wrong is in `memory.own_unwell`, for a day after it was seen.
[[nodiscard]] Checkpoint open_state(Host& host, Memory& memory,
                                    const std::function<void(std::string_view)>& narrate);

// The checkpoint for whoever only looks.
[[nodiscard]] Checkpoint read_checkpoint(const Host& host);

}  // namespace muster
