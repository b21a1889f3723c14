// Who may start a cluster's etcd (rollout/etcd_turn): the question of a master, and the operator's
// word that there is none any more.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/etcd_turn.hpp"
#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// Refusals: frozen; no_document; those of decide_etcd_turn.
[[nodiscard]] Result<EtcdTurnAnswer> answer_etcd_turn(const Fleet& fleet, const Caller& machine,
                                                      EtcdTurnRequest asked);

struct EtcdReinitialisation {
  std::string cluster, by;
  std::string restored_on;  // the master; empty: there is no snapshot
  bool force = false;       // though masters report an etcd that works
  bool cancel = false;      // takes the order back
};
// One transaction with its audit row; the masters whose working etcd is given up. invalid:
// `restored_on` is no master of it; conflict: masters report an etcd that works, without `force`;
// those of cancel_reinitialisation.
[[nodiscard]] Result<std::vector<std::string>> reinitialise_etcd_of(
    const Fleet& fleet, const EtcdReinitialisation& order);

// Null, or {"orderedAt" (Unix seconds), "by", "restoredOn", "canBeCancelled"}: an order whose etcd
// does not run yet.
[[nodiscard]] Result<nlohmann::json> reinitialisation_of(const Fleet& fleet,
                                                         const std::string& cluster);

}  // namespace muster
