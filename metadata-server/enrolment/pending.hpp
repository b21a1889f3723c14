// Machines that asked and wait for an operator (records/pending_machine). Capped, by source too
// (source_network.hpp), and forgotten an hour after they last asked. Where all places are taken,
// one that matches no machine of the inventory gives way: to one that matches, or to one of a
// network that has fewer. What was approved takes none of the places.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrolment/enrolment_context.hpp"
#include "records/pending_machine.hpp"
#include "result/result.hpp"

namespace muster {

struct FoundPending {
  PendingMachine machine;
  std::uint64_t version = 0;  // 0: there is none
};
// Expired ones count as none.
[[nodiscard]] Result<FoundPending> find_pending(const EnrolmentContext& context,
                                                std::string_view fingerprint);
// Notes that the machine asked; writes only when the note is new, changed or a quarter of its
// lifetime old. Error pending_full: the cap, or the source's share of it, is reached.
[[nodiscard]] Result<void> note_pending(const EnrolmentContext& context,
                                        const PendingMachine& machine);

// Without the expired ones, oldest first.
[[nodiscard]] Result<std::vector<PendingMachine>> list_pending(const EnrolmentContext& context);

}  // namespace muster
