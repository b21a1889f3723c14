// Claims: join tokens that the server itself hands to a machine of the inventory that starts by the
// network, over plain HTTP (boot/README.md, "Boot trust"). One use, a quarter of an hour, one node,
// role node alone, the hardware that the inventory names. Whoever asks before it is used is told
// the same one, so that asking takes nothing from anybody and decides nothing; a node has two open
// ones at most. A claim stands for one `node replace`: a machine without a disk comes back with a
// new key each time. Two keys that come with claims of one start are contested: the identity is
// frozen until an operator says which machine is the right one.
#pragma once

#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "records/boot_record.hpp"

namespace muster {

inline constexpr std::chrono::seconds claim_lifetime{900};
// It was made by a clock that was ahead, and would last until then. `now`: the latest that it can
// be.
[[nodiscard]] bool is_of_clock_ahead(const JoinToken& claim, TimePoint now);

// The claim for who starts in this machine's name. Whether its identity still answers is asked
// before (fleet/netboot). Refusals banned, frozen. `note_start`: what else the record of its start
// says; may be called several times, or not at all where that was written some seconds ago. Cost:
// the same however often it is asked for.
[[nodiscard]] Result<CreatedJoinToken> claim_for(
    const EnrolmentContext& context, const NodeName& node, const std::string& source,
    const std::function<void(BootRecord& record)>& note_start = [](BootRecord&) {});

// For who comes with a claim. Refusals claim_other_machine: its hardware is not the node's;
// claim_contested: another key has enrolled since the claim was handed out; by this the identity is
// frozen, with this key as its claimant, and both claims of the node are void, so that an
// operator decides once.
[[nodiscard]] Result<void> check_claim(const EnrolmentContext& context, const JoinToken& token,
                                       const MachineHints& hints, const std::string& fingerprint,
                                       const FoundMachine& found);

// `key` has the name by a claim; where the key before it is heard of again, that is noticed like a
// renewed key's call (clone_detection): two machines.
void take_over_by_claim(MachineRecord& record, IssuedIdentity identity);

}  // namespace muster
