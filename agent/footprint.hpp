// What the agent leaves on a machine, recorded before it is left, so that `reset` can take it away
// and give back what was there.
#pragma once

#include "agent/action.hpp"
#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

// Notes in the checkpoint which files the plan will write and which folders and links it will make
// that are not there yet, keeps the first content of files that are, and makes the checkpoint
// durable.
[[nodiscard]] Result<void> record_footprint(const Plan& plan, Checkpoint& checkpoint,
                                            Filesystem& files);

// Where the kernel's parameters of before us are kept, as a file for systemd-sysctl.
[[nodiscard]] std::string kept_parameters();

// Puts the first content of `path` back, or removes it when there was none.
[[nodiscard]] Result<void> restore_original(Filesystem& files, Checkpoint& checkpoint,
                                            const std::string& path);

}  // namespace muster
