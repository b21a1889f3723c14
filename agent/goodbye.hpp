// The last word of a machine that netbooted and goes down: it keeps no key, and its next start need
// not wait until the server calls this one silent. For units/muster-goodbye.service.
#pragma once

#include <functional>
#include <string_view>

#include "agent/host/host.hpp"
#include "agent/run/settings.hpp"
#include "agent/server.hpp"

namespace muster {

// True: the server heard it. A machine that did not netboot says nothing.
[[nodiscard]] bool say_goodbye(Host& host, Network& network, const Settings& settings,
                               const std::function<void(std::string_view)>& narrate);

}  // namespace muster
