// Who may start an etcd cluster, and when: the arbitration between masters that were switched on at
// any distance in time. The right to initialise is recorded before it is answered, is given once,
// and is final when a member reports a cluster id (design: "Bootstrappers").
//
//   all listed masters ask within `window`  -> all start with one static member list
//   the window ends                         -> the master (first of the list) starts alone
//   a cluster exists                        -> the others join it as learners, one at a time
//                                              (etcd allows one learner, DefaultMaxLearners)
//   a member comes back without its data    -> refused, unless the operator ordered its replacement
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "client/etcd_turn.hpp"
#include "document/node_document.hpp"
#include "result/result.hpp"
#include "store/store.hpp"

namespace muster {

struct EtcdTurnSettings {
  std::chrono::milliseconds window{8000};  // for the masters of a first bring-up to find each other
  std::chrono::milliseconds join_limit{
      120000};  // a joiner that did not finish gives its place away
};

// One master's question with what the server knows of the asker.
struct EtcdTurnQuestion {
  std::string cluster, node;
  std::vector<MachineAddress> masters;  // as the inventory lists them, the master first
  bool replacement_ordered = false;     // `muster node replace NAME`
  EtcdTurnRequest request;
};

// Decides and records in one transaction. Asking again gives the same answer until something
// happens. not_found: the asker is no master of the cluster. `now_ms`: Unix milliseconds.
// Thread-safe.
[[nodiscard]] Result<EtcdTurnAnswer> decide_etcd_turn(Store& store,
                                                      const EtcdTurnQuestion& question,
                                                      std::int64_t now_ms,
                                                      const EtcdTurnSettings& settings = {});

// Forgets that the cluster was ever initialised: its next masters start a new, empty etcd. The
// caller has asked the operator to confirm and writes the audit row in `transaction`.
[[nodiscard]] Result<void> reinitialise_etcd(Store& store, const std::string& cluster,
                                             Transaction& transaction);

}  // namespace muster
