// The data of this machine's etcd member: whether it is there, which it is, and setting it aside.
#pragma once

#include <string>

#include "agent/etcd/etcd_client.hpp"
#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] tl::unexpected<Failure> fail_etcd(Error error);

[[nodiscard]] bool has_etcd_data(const Filesystem& files);

// Whether the data is that of the member in the checkpoint: a note of ours that lies in it says so,
// and whatever is restored, swapped or set aside lacks it or brings another. Of data from before
// there were such notes it is believed.
[[nodiscard]] bool is_data_of_member(const Filesystem& files, const Checkpoint& checkpoint);
// A checkpoint that was lost, from the note: only of a member that was a voter is there one.
void take_member(const Filesystem& files, const std::string& address, Checkpoint& checkpoint);
// Writes that note; a no-op where it is there.
[[nodiscard]] Result<void> note_member(Filesystem& files, const Checkpoint& checkpoint);

// A disk of its own that is configured but absent must not be taken for an empty one.
[[nodiscard]] bool is_etcd_state_mounted(const Run& run);

// It answers a linearised read, so that it has a leader and a quorum. Starts no process.
[[nodiscard]] bool is_etcd_serving(Run& run);

// The members as etcd has them say that this machine's is none of them, although it has its data:
// somebody removed it. Asked of the other masters; false where none answers.
[[nodiscard]] bool was_removed_from_etcd(Run& run, const NodeDocument& document);

// What this machine's data is of goes on without it: stops the control plane here, sets the data
// aside under a name of its own beside where it was (nothing is deleted), and forgets the
// membership. Class etcd, kind conflict, and nothing is touched: a quorum of these members still
// answers, here or at another master. Safe to repeat.
[[nodiscard]] ConvergeResult<> give_up_etcd_data(Run& run, const NodeDocument& document);
// The same once it is known that it may be.
[[nodiscard]] ConvergeResult<> set_etcd_data_aside(Run& run);

// Client URLs of the masters but this one.
[[nodiscard]] std::vector<std::string> other_masters(const NodeDocument& document);

}  // namespace muster
