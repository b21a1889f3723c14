// The document that a machine is served now, as other answers need it. Thread-safe.
#pragma once

#include "document/node_document.hpp"
#include "enrolment/refusal.hpp"
#include "http/rooms.hpp"

namespace muster {

// Refusal no_document: nothing is published for this machine.
[[nodiscard]] Granted<std::shared_ptr<const ServedAnswer>> served_answer(const Rooms& rooms,
                                                                         const NodeName& node);
[[nodiscard]] Granted<NodeDocument> served_document(const Rooms& rooms, const NodeName& node);

}  // namespace muster
