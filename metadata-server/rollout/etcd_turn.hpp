// Who may start an etcd cluster, and when: the arbitration between masters that were switched on at
// any distance in time. The right to initialise is recorded before it is answered, is given once,
// and is final when a member reports a cluster id (design: "Bootstrappers").
//
//   all listed masters ask within `window`  -> all start with one static member list
//   the window ends                         -> the master (first of the list) starts alone
//   a cluster exists                        -> the others join it as learners, one at a time
//                                              (etcd allows one learner, DefaultMaxLearners)
//   a member comes back without its data    -> it may replace itself, if it is the only one and its
//                                              state mount is there; the agent checks in etcd that
//                                              the others are a healthy quorum, for a minute
//   restored from a snapshot on one          -> that one starts what it has, and every other joins
//                                              it empty, also one that has data of before
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
  // A joiner that did not finish gives its place away; replacing a lost member takes over a minute.
  std::chrono::milliseconds join_limit{300000};
  // For a master that was given the right to start to do so: one that was killed before its first
  // write hears the same answer again.
  std::chrono::milliseconds start_limit{600000};
};

// One master's question with what the server knows of the asker.
struct EtcdTurnQuestion {
  std::string cluster, node;
  std::vector<MachineAddress> masters;  // as the inventory lists them, the master first
  EtcdTurnRequest request;
};

// Decides and records in one transaction. Asking again gives the same answer until something
// happens. not_found: the asker is no master of the cluster. `now_ms`: Unix milliseconds, the
// latest that it can be. Thread-safe.
[[nodiscard]] Result<EtcdTurnAnswer> decide_etcd_turn(Store& store,
                                                      const EtcdTurnQuestion& question,
                                                      std::int64_t now_ms,
                                                      const EtcdTurnSettings& settings = {});

// A running member as its machine reports it; `sent_at_ms` is that report's time by the machine's
// clock (within 30 s of the server's: preflight), so that a report that was spooled before a disk
// was lost is not taken for its return. The first one makes the cluster id final. Idempotent, and
// without a write when it says nothing new. conflict: the member is of another etcd cluster.
struct EtcdMemberReport {
  std::string cluster, node, cluster_id, member_id;
  std::int64_t sent_at_ms = 0;
  std::int64_t now_ms = 0;  // the server's clock, likewise; 0: nothing is told by it
};
[[nodiscard]] Result<void> note_etcd_member(Store& store, const EtcdMemberReport& report);

}  // namespace muster
