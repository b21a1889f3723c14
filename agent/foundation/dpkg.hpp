// dpkg, as the machine's other package tools would run it. It needs rights that the agent does not
// have, so it runs in a transient unit of systemd's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

struct InstalledPackage {
  std::string version;
  bool is_whole = false;  // unpacked and configured: not in the middle of somebody's dpkg run
};

// What dpkg's own file says, package by package; removed ones whose settings stayed are not there.
[[nodiscard]] std::map<std::string, InstalledPackage> installed_packages(const Filesystem& files);

// How long whoever holds dpkg's lock (apt, unattended-upgrades) is waited for within one converge.
inline constexpr std::chrono::seconds patience_with_dpkg{60};

// `dpkg ARGUMENTS`, to its end. invalid: it failed, with its output. conflict: somebody else holds
// its lock, and nothing was done.
[[nodiscard]] Result<void> run_dpkg(Host& host, const std::vector<std::string>& arguments);
// Calls `attempt` again while it ends in conflict and patience lasts, told once through `narrate`.
// conflict then carries who holds the lock: a failure from outside.
[[nodiscard]] Result<void> await_dpkg(Host& host, const Narrate& narrate,
                                      const std::function<Result<void>()>& attempt);

}  // namespace muster
