// How a machine leaves: drained by its cluster's duties where that makes sense, then removed.
// Orders lie in the store (records/drain), so whoever is killed on the way, the next tick goes on.
#pragma once

#include <chrono>
#include <string>

#include "fleet/fleet.hpp"
#include "publish/retired_members.hpp"
#include "records/drain.hpp"
#include "records/pool_member.hpp"

namespace muster {

struct RemovalOrder {
  bool drain = true;
  std::chrono::seconds limit = std::chrono::minutes(10);  // of the drain
  std::string by;
};
struct RemovalStep {
  bool is_draining = false;  // else it is removed
  std::string undrained;     // why it was not drained; empty: it was not asked for
};
// Orders the removal of a pool's member that runs, to happen when it is drained; removes at once
// what is known not to run, and what the inventory does not list any more. Idempotent. Refusals:
// those of remove_machine; last_master: nothing would be left of its cluster; node_object_there:
// of a machine that the inventory had, for the minute in which the duties remove it.
[[nodiscard]] Result<RemovalStep> order_removal(const Fleet& fleet, const NodeName& node,
                                                const RemovalOrder& order);

// Adds the order to remove a node of a pool, for whoever decides more with it: finish_drains
// carries it out, whoever is killed meanwhile. Whether it is drained first.
[[nodiscard]] Result<bool> add_removal(const Fleet& fleet, const NodeName& node,
                                       const RemovalOrder& order, Transaction& transaction);

// What is known of the Node objects of a cluster.
[[nodiscard]] Result<NodeObjects> node_objects(const Fleet& fleet, const std::string& cluster);

// Removes what was drained for it, and gives up what took too long. About every second; costs one
// empty answer of the store where nothing is being drained. An error: of the first that could not
// be finished, after all others were.
[[nodiscard]] Result<void> finish_drains(const Fleet& fleet);

// Frees what removed members of the cluster held, once their quarantine is over and their Node
// objects are gone. Returns whether any wait still. Costs the cluster's members.
[[nodiscard]] Result<bool> release_places(const Fleet& fleet, const std::string& cluster,
                                          std::chrono::seconds quarantine, TimePoint now);

}  // namespace muster
