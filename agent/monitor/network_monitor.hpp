// What the kernel has of the masquerading table, for the agent, which may not ask: it has no
// CAP_NET_ADMIN.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

// One look, told in paths::monitor_state/network.json:
//   {"noted": what the unit that makes the table noted of it, "found": digest of the table now}
// Empty: no note, no table. Written when something changed only. unavailable: nft does not answer.
[[nodiscard]] Result<void> look_at_network(Host& host);

// Looks every 5 s, for ever. Returns only on an error that makes looking impossible.
[[nodiscard]] Result<void> run_network_monitor(Host& host);

}  // namespace muster
