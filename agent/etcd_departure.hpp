// The etcd members of control-plane machines that left the cluster: a member that is down for good
// counts in every quorum until it is removed.
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

}  // namespace muster
