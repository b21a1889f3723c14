// The operator's word that a pending machine is a node of the inventory.
#pragma once

#include <string>

#include "enrolment/machine.hpp"
#include "enrolment/pending.hpp"

namespace muster {

struct Approval {
  std::string cluster;  // may be empty where only one cluster has a node of that name
  std::string name;
  std::string fingerprint;     // whole, or "sha256:" and at least its first 16 hex digits
  bool despite_match = false;  // though its hardware is another node's by the inventory
};
// The machine is issued its identity when it asks next. One that does not wait yet is approved by
// its whole fingerprint, for an hour, and takes no place of those who wait; with hardware that is
// another node's it is not let in by that. Refusals: not_found (no such node, no such pending
// machine), ambiguous, matches_other (its hardware), live_identity, banned, frozen.
// Idempotent. `approved_by`: as the audit names an actor, "operator anna".
[[nodiscard]] Result<PendingMachine> approve(const EnrolmentContext& context,
                                             const Approval& approval,
                                             const std::string& approved_by);
// Adds it to a transaction; nothing where it is approved already. `machine`: the record of its name
// as that transaction leaves it; none: as it is. The commit fails with conflict where the cluster
// is published, or ends, meanwhile.
[[nodiscard]] Result<PendingMachine> add_approval(const EnrolmentContext& context,
                                                  const Approval& approval,
                                                  const std::string& approved_by,
                                                  const FoundMachine* machine,
                                                  Transaction& transaction);

// The name is free for this key: not banned, not frozen, and no other key holds it alive unless its
// replacement was ordered. Refusals banned, frozen, live_identity.
[[nodiscard]] Result<void> check_free(const EnrolmentContext& context, const FoundMachine& machine,
                                      std::string_view fingerprint);

}  // namespace muster
