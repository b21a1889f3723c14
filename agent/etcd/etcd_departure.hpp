// Leaving etcd: a member that is down for good counts in every quorum until it is removed.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "document/node_document.hpp"
#include "result/result.hpp"

namespace muster {

// Removes the members of those `machines` that the document refuses (config.bannedMachines) and
// does not name as masters: both, so that a document from before a follower was added never takes
// that follower's member away. etcd refuses a removal that would cost it its quorum. The names that
// were removed; idempotent. unavailable: etcd here does not answer or refuses, and is asked again
// at the next turn.
[[nodiscard]] Result<std::vector<std::string>> remove_departed_members(
    Process& process, const NodeDocument& document, const std::vector<std::string>& machines);

// A machine's own member, as it knows itself.
struct OwnMember {
  std::string id;  // hexadecimal; empty: it never heard of it
  std::string name, peer_url;
  std::vector<std::string> endpoints;  // client URLs: of the others, and its own where it runs
};

// Takes it out of etcd. Done too where it is none of the members. conflict: no other member could
// go on, and nothing is removed; unavailable: etcd is silent, has no quorum, or would lose it.
// Idempotent. The API server of this machine is stopped before: whose etcd is gone, it takes a
// minute and a half to end. It is started again where etcd refuses the removal.
[[nodiscard]] Result<void> leave_etcd(Host& host, const OwnMember& own);

}  // namespace muster
