// Claims: join tokens that the server itself hands to a machine of the inventory that starts by the
// network, over plain HTTP (boot/README.md, "Boot trust"). One use, a quarter of an hour, one node,
// role node alone, the hardware that asked. A claim stands for one `node replace`: a machine
// without a disk comes back with a new key each time. Two keys that come with claims of one start
// are contested: the identity is frozen until an operator says which machine is the right one.
#pragma once

#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"

namespace muster {

inline constexpr std::chrono::seconds claim_lifetime{900};

// The text of a new claim. Whether the machine's identity still answers is asked before
// (fleet/netboot). Refusals banned, frozen; machine_ambiguous: another board with the same UUID has
// an unexpired claim of this node; claim_again (unavailable): the last one is some seconds old.
// `with`: what else is written with it; may be called several times.
[[nodiscard]] Result<CreatedJoinToken> mint_claim(
    const EnrolmentContext& context, const NodeName& node, const MachineMarks& marks,
    const std::string& source,
    const std::function<Result<void>(Transaction& transaction)>& with = {});

// For who comes with a claim. Refusals claim_other_machine: its hardware is not the claim's;
// claim_contested: another key has enrolled since the claim was handed out; by this the identity is
// frozen, with this key as its claimant, and every open claim of the node is void, so that an
// operator decides once.
[[nodiscard]] Result<void> check_claim(const EnrolmentContext& context, const JoinToken& token,
                                       const MachineHints& hints, const std::string& fingerprint,
                                       const FoundMachine& found);

// `key` has the name by a claim; where the key before it is heard of again, that is noticed like a
// renewed key's call (clone_detection): two machines.
void take_over_by_claim(MachineRecord& record, IssuedIdentity identity);

}  // namespace muster
