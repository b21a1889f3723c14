// The document that a machine is served now, as other answers need it. Thread-safe.
#pragma once

#include "document/node_document.hpp"
#include "document/report.hpp"
#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"
#include "result/result.hpp"

namespace muster {

// Error no_document: nothing is published for this machine.
[[nodiscard]] Result<std::shared_ptr<const ServedAnswer>> served_answer(const Fleet& fleet,
                                                                        const NodeName& node);
// The same, for an agent that reads formats up to `reads`. agent_too_old: never an older form of
// it, so that what the operator ordered is in effect, or is told not to be.
[[nodiscard]] Result<std::shared_ptr<const ServedAnswer>> readable_answer(const Fleet& fleet,
                                                                          const NodeName& node,
                                                                          std::uint32_t reads);
[[nodiscard]] Result<NodeDocument> served_document(const Fleet& fleet, const NodeName& node);

// Keeps the etcd ids of a master's report (rollout/etcd_turn). Nothing to do for other machines.
[[nodiscard]] Result<void> note_etcd_of(const Fleet& fleet, const Caller& caller,
                                        const Report& report);

}  // namespace muster
