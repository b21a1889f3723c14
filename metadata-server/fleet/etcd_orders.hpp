// Who may start a cluster's etcd (rollout/etcd_turn): the question of a master, and the operator's
// word that there is none any more.
#pragma once

#include <string>

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
};
// One transaction with its audit row. invalid: `restored_on` is no master of it.
[[nodiscard]] Result<void> reinitialise_etcd_of(const Fleet& fleet,
                                                const EtcdReinitialisation& order);

}  // namespace muster
