// What the machine itself says where the checkpoint is lost: who it is, what it has taken, and what
// its units run with. A running machine goes on as it is, and nothing is restarted for it.
#pragma once

#include "agent/effects/observed_state.hpp"
#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"
#include "machine/desired_state.hpp"

namespace muster {

// By the identity, the cached documents (their generations and contents are what nothing older or
// other may follow), the settled envelope, etcd's data and the units that run. Reads only.
[[nodiscard]] Checkpoint rebuilt_checkpoint(const Host& host);

// Whether the checkpoint was rebuilt, lately: what is not known yet is to be looked for.
[[nodiscard]] bool is_rebuilt(const Checkpoint& checkpoint);

// Notes which files are there as desired, for `reset`. `has_settled`: the state is that of the
// settled document, whose secrets are there by then.
void adopt(const Host& host, const DesiredState& desired, bool has_settled, ObservedState& observed,
           Checkpoint& checkpoint);

// Notes of each active unit of which nobody knows what it runs with (its start failed, or the agent
// died in it, and systemd brought it up since; of a rebuilt checkpoint, any) that it runs with what
// is desired: where all of its inputs lie on the disk so, and its process is younger than they are.
// Of any other it stays unknown, so that it waits for the machine's turn.
void adopt_units(const Host& host, const DesiredState& desired, const ObservedState& observed,
                 Checkpoint& checkpoint);

}  // namespace muster
