// What the kernel has of the masquerading table, for the agent, which may not ask: it has no
// CAP_NET_ADMIN.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

// One look, told in paths::monitor_state/network.json:
//   {"at": seconds since boot, "noted": what the unit that makes the table noted of it,
//    "found": digest of the table now}
// Empty: no note, no table. unavailable: nft does not answer.
[[nodiscard]] Result<void> look_at_network(Host& host);

// Looks every 5 s, for ever; READY to systemd with the first look. Returns only on an error that
// makes looking impossible.
[[nodiscard]] Result<void> run_network_monitor(Host& host);

}  // namespace muster
