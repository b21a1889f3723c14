// A member whose data is lost leaves etcd before the machine joins anew: only when etcd itself
// shows, for a minute, that the rest of the cluster is whole without it, and after a snapshot.
#pragma once

#include <string>

#include "agent/etcd/etcd_client.hpp"
#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"

namespace muster {

// Removes `lost`, this machine's member, through `client` (endpoints of the others). Takes a
// minute. Class etcd, kind conflict, and nothing is removed: the state mount is missing, the member
// answers where it listened, which may be an address of before, or the healthy voters are no
// quorum. Snapshots stay under etcd_snapshots; safe to repeat.
[[nodiscard]] ConvergeResult<> remove_lost_member(Run& run, EtcdClient& client,
                                                  const EtcdMember& lost);

}  // namespace muster
