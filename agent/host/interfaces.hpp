// The machine's network interfaces with their addresses (getifaddrs(3), /sys/class/net).
#pragma once

#include <vector>

#include "agent/host/host.hpp"
#include "machine/facts.hpp"

namespace muster {

// Without the loopback; sorted by name. Empty when the kernel does not answer.
[[nodiscard]] std::vector<NetworkInterface> list_interfaces(const Filesystem& files);

}  // namespace muster
