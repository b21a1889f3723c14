// A machine that asked and waits for an operator: kind "pending", key the public key's fingerprint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "document/machine_hints.hpp"
#include "inventory/match.hpp"
#include "store/store.hpp"

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

// Adds that approvals are none any more: their cluster ends, or these nodes of it, in name order,
// are not listed any more. Those who have one wait again. The commit must expect the version of the
// cluster's record: an approval meanwhile writes it. What those write who wait fails no commit.
[[nodiscard]] Result<void> end_approvals_of(const Store& store, const std::string& cluster,
                                            Transaction& transaction);
[[nodiscard]] Result<void> end_approvals_of(const Store& store, const std::string& cluster,
                                            const std::vector<std::string>& nodes,
                                            Transaction& transaction);

}  // namespace muster
