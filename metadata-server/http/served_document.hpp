// The document that a machine is served now, as other answers need it. Thread-safe.
#pragma once

#include "document/node_document.hpp"
#include "document/report.hpp"
#include "enrolment/caller.hpp"
#include "result/result.hpp"
#include "http/rooms.hpp"

namespace muster {

// Error no_document: nothing is published for this machine.
[[nodiscard]] Result<std::shared_ptr<const ServedAnswer>> served_answer(const Rooms& rooms,
                                                                         const NodeName& node);
[[nodiscard]] Result<NodeDocument> served_document(const Rooms& rooms, const NodeName& node);

// Keeps the etcd ids of a master's report (rollout/etcd_turn). Nothing to do for other machines.
[[nodiscard]] Result<void> note_etcd_of(const Rooms& rooms, const Caller& caller,
                                     const Report& report);

}  // namespace muster
