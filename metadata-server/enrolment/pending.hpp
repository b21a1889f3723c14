// Machines that asked and wait for an operator: kind "pending", key the public key's fingerprint.
// Capped, by source too (source_network.hpp), and forgotten an hour after they last asked. Where
// all places are taken, one that matches no machine of the inventory gives way: to one that
// matches, or to one of a network that has fewer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrolment/enrolment_context.hpp"
#include "result/result.hpp"

namespace muster {

struct PendingMachine {
  std::string fingerprint;  // of its public key: shown on its console too
  MachineHints hints;       // its own claims, length-limited
  std::string source;       // the address it asked from
  NodeName proposed;        // what the inventory matches its hardware with; may be empty
  NodeName approved;        // empty until an operator approved
  std::string approved_by;
  std::int64_t first_seen = 0, last_seen = 0;  // Unix seconds
};
[[nodiscard]] std::string to_json(const PendingMachine& machine);
[[nodiscard]] Result<PendingMachine> parse_pending_machine(std::string_view json);

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

// Adds that its approvals are none any more: they were given for the cluster that ends. Those who
// have one wait again; the commit fails with conflict where one is let in meanwhile.
[[nodiscard]] Result<void> end_approvals_of(const EnrolmentContext& context,
                                            const std::string& cluster, Transaction& transaction);

}  // namespace muster
