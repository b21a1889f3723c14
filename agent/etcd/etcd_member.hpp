// A control-plane machine's membership in etcd: who may start a new cluster is the server's
// decision, joining and promoting is done here with the installed etcdctl. A member is known by its
// id and its machine's name; where it listens may change.
#pragma once

#include <string>

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "document/node_document.hpp"

namespace muster {

// The server must be asked: this machine is not known to be a voter with this data at this address,
// or it does not serve.
[[nodiscard]] bool needs_turn(Run& run, const NodeDocument& document);

// One question to the server; the first of them registers the wish, so ask it early. An answer
// without an action: there is nothing to prepare, etcd is started with the rest.
[[nodiscard]] ConvergeResult<EtcdTurnAnswer> ask_turn(Run& run, Server* server,
                                                      const NodeDocument& document);

// Asks until the answer is not "wait", then prepares what it says: for "join" the machine becomes a
// learner of the running cluster, for "rejoin" its data is set aside before (etcd_data). Keeps what
// etcd must be started with in the checkpoint. Needs the etcd release and the etcd-client
// certificate. Safe to repeat. Answers the decision that was reached.
[[nodiscard]] ConvergeResult<EtcdTurnAnswer> prepare_member(Run& run, Server* server,
                                                            const NodeDocument& document,
                                                            EtcdTurnAnswer answer);

// After etcd.service is started: promotes a learner, waits until the member answers, has the
// members know it by its address, keeps its ids in the checkpoint and the report. A member that was
// a voter before and does not answer now is no failure: it is asked again at the next converge.
[[nodiscard]] ConvergeResult<> finish_member(Run& run, const NodeDocument& document);

}  // namespace muster
