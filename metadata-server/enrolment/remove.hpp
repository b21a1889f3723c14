// The end of a machine: of its identity, its last report and the pod network that was kept for it.
#pragma once

#include <string>

#include "enrolment/enrolment_context.hpp"
#include "inventory/match.hpp"
#include "result/result.hpp"

namespace muster {

// Adds the removal of what its machine said, and what it was served.
void forget_reports(const NodeName& node, Transaction& transaction);

// Adds the removal of everything about the node's identity: it is then answered like one that never
// was. For the transaction that takes the node out of the inventory.
void forget_machine(const NodeName& node, Transaction& transaction);

// `muster node remove`: what is left of a machine that the inventory does not list any more, its
// pod network too, which another machine may then be given. Of a pool's member everything, at once
// but for its name, address and network; what its cluster is served changes with the next
// publication. Refusals still_listed (it would be let
// in again) and not_found (nothing is left). `by`: "operator anna". `guard`: what it was decided
// by; of a pool's member, conflict where that does not hold any more.
[[nodiscard]] Result<void> remove_machine(const EnrolmentContext& context, const NodeName& node,
                                          const std::string& by, const Transaction& guard = {});

}  // namespace muster
