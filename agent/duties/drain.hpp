// Sends away the pods of machines that are to be drained, as far as it goes in one turn.
#pragma once

#include <string>
#include <vector>

#include "agent/duties/kubectl.hpp"
#include "document/peer_list.hpp"
#include "document/report.hpp"

namespace muster {

// Rows of a list in one report (document/report).
inline constexpr std::size_t most_reported = 200;

// `nodes`: cordoned, and not drained yet. Evicts what kubectl drain evicts: DaemonSets' pods stay,
// disruption budgets hold, pods without a controller go for good. Each is waited for shortly; what
// is left is for the next turn, which goes on where this one stopped. Blocks for about 45 s at the
// most. Tells how far every machine is that the peer list has to be drained; adds to `done` what a
// person may want to know.
[[nodiscard]] std::vector<NodeDrain> drain_nodes(const PeerList& peers,
                                                 const std::vector<std::string>& nodes,
                                                 const Kubectl& kubectl, Clock& clock,
                                                 std::vector<std::string>& done);

}  // namespace muster
