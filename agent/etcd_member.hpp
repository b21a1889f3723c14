// A control-plane machine's membership in etcd: who may start a new cluster is the server's
// decision, joining and promoting is done here with the installed etcdctl.
#pragma once

#include <string>

#include "agent/failure.hpp"
#include "agent/run.hpp"
#include "document/node_document.hpp"

namespace muster {

// The member of this machine must be started (or joined) before it is known to be a voter with
// data.
[[nodiscard]] bool needs_turn(const Run& run);

// One question to the server; the first of them registers the wish, so ask it early.
[[nodiscard]] ConvergeResult<EtcdTurnAnswer> ask_turn(Run& run, Server* server,
                                                      const NodeDocument& document);

// Asks until the answer is not "wait", then prepares what it says: for "join" the machine becomes a
// learner of the running cluster. Keeps what etcd must be started with in the checkpoint. Needs the
// etcd release and the etcd-client certificate. Safe to repeat.
// Answers the decision that was reached.
[[nodiscard]] ConvergeResult<EtcdTurnAnswer> prepare_member(Run& run, Server* server,
                                                            const NodeDocument& document,
                                                            EtcdTurnAnswer answer);

// After etcd.service is started: promotes a learner, waits until the member answers, keeps its ids
// in the checkpoint and the report.
[[nodiscard]] ConvergeResult<> finish_member(Run& run, const NodeDocument& document);

}  // namespace muster
