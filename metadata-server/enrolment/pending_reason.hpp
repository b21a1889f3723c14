// Why a machine waits for an operator: what of it is not as the inventory has it, and the cure.
#pragma once

#include <string>

#include "enrolment/pending.hpp"

namespace muster {

struct PendingReason {
  NodeName node;  // that it seems to be, by its hardware, address or host name; may be empty
  std::string reason, cure;
};

// Pure. Cost: the inventory's nodes.
[[nodiscard]] PendingReason why_pending(const EnrolmentInventory& inventory,
                                        const PendingMachine& machine);

}  // namespace muster
