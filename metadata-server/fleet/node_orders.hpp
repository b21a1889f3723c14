// What operators order of one machine, each carried to where it takes effect: the record, the
// drain, the masters' turns, the next publication.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fleet/fleet.hpp"
#include "fleet/machine_removal.hpp"

namespace muster {

enum class NodeOrderKind {
  converge,
  replace,
  drain,
  undrain,
  remove,
  unfreeze,
  ban,
  unban,
  reprovision,
  wipe_disk
};
[[nodiscard]] std::string_view name(NodeOrderKind kind);
// not_found: with the orders that there are.
[[nodiscard]] Result<NodeOrderKind> parse_node_order_kind(std::string_view text);

// Whether `cancel` takes such an order back.
[[nodiscard]] bool can_be_taken_back(NodeOrderKind kind);

struct NodeOrder {
  NodeOrderKind kind = NodeOrderKind::converge;
  NodeName node;
  std::string by;                                         // as the audit names an actor
  std::string reason;                                     // ban
  std::string keep;                                       // unfreeze: the key's fingerprint
  std::string serial;                                     // wipe_disk: the disk's serial number
  bool drain = true;                                      // remove: drained first
  bool cancel = false;                                    // of what can_be_taken_back
  std::chrono::seconds limit = std::chrono::minutes(10);  // of a drain
};
struct NodeOrderOutcome {
  std::optional<std::string> waits_for;  // converge: nothing said where it was taken back
  std::optional<RemovalStep> removal;    // remove
  std::optional<std::string> revision;   // where it is published: the cluster's, with it in effect
  // Why it is not published: the order stands at this server, and its cluster stays due.
  std::optional<Error> unpublished;
  bool is_changed = true;  // false: ban, unban, unfreeze: it was so already
};
// Returns when the order stands, and is published where others have to hear of it: the API server
// learns bans from the masters' documents, the duties learn drains from the peer list. An
// order that could not be published is none that failed. Idempotent. Refusals: those of
// enrolment/ban.hpp, fleet/machine_removal.hpp, fleet/master_turns.hpp, fleet/network_starts.hpp,
// fleet/disk_wipes.hpp.
[[nodiscard]] Result<NodeOrderOutcome> give_order(const Fleet& fleet, const NodeOrder& order);

}  // namespace muster
