// What the machine is, read from /proc, /sys and /etc under `root` ("" on the machine itself). What
// cannot be read stays empty: preflight decides what is missed.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "machine/facts.hpp"

namespace muster {

[[nodiscard]] Facts observe(const Filesystem& files, std::vector<NetworkInterface> interfaces,
                            const std::string& root = "");

// Those of `modules` that are neither loaded, built in nor on disk to be loaded.
[[nodiscard]] std::vector<std::string> missing_modules(const Filesystem& files,
                                                       const std::vector<std::string>& modules,
                                                       const std::string& root = "");

// Those that are on disk to be loaded and are not loaded.
[[nodiscard]] std::vector<std::string> unloaded_modules(const Filesystem& files,
                                                        const std::vector<std::string>& modules,
                                                        const std::string& root = "");

// Those of `ports` that something listens on, and what (best effort: without the right to look into
// another process, "another process").
[[nodiscard]] std::map<std::uint16_t, std::string> listeners_on(
    const Filesystem& files, const std::vector<std::uint16_t>& ports, const std::string& root = "");
// Whether any process does.
[[nodiscard]] bool is_listened_on(const Filesystem& files, std::uint16_t port);

}  // namespace muster
