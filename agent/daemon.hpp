// The agent as a service: converge, wait, converge again.
#pragma once

#include <functional>
#include <string_view>

#include "agent/host/host.hpp"
#include "agent/server.hpp"

namespace muster {

// Runs for ever. READY after the first verdict, good or bad, and as soon as it waits
// for an approval. A failure that time or somebody else
// may cure is tried again at each poll; any other only after a new document or an operator's order.
// Without settings, state folder or run lock it waits, READY, and its status line says for what.
[[noreturn]] void run_daemon(Host& host, Network& network,
                             const std::function<void(std::string_view)>& narrate);

}  // namespace muster
