// From a document to what the machine should be. Pure: equal inputs give equal results, nothing is
// read or written. Thread-safe.
#pragma once

#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "machine/desired_state.hpp"
#include "machine/facts.hpp"
#include "result/result.hpp"

namespace muster {

// Everything one machine needs: releases, certificates, secrets, directories, files, units, ports
// and kernel modules, for the role in the document.
//
// `etcd` is used on control planes alone. What it says is written to a file of its own
// (arguments/etcd-start.env) on which no unit restarts, since etcd ignores it once it has data; to
// keep a second converge free of writes, pass the EtcdStart that the member was first started with.
// An empty `initial_cluster` leaves the file out.
//
// invalid: a setting that cannot be rendered (an unknown reserved policy, a line break in an
// argument); every problem at once, one a line, each with its place in the document.
[[nodiscard]] Result<DesiredState> desired_state_of(const NodeDocument& document,
                                                    const PeerList& peers, const Facts& facts,
                                                    const EtcdStart& etcd);

}  // namespace muster
