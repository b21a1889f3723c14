// The peers' names in /etc/hosts: lines that end in a mark of ours. Everything else in the file is
// somebody else's and stays, byte by byte. Pure, but for write_hosts.
#pragma once

#include <string>

#include "agent/host/host.hpp"

namespace muster {

inline constexpr const char* hosts_path = "/etc/hosts";
inline constexpr std::size_t hosts_limit = 16u << 20;

// The text with exactly these peers ("ADDRESS NAME" a line) among its marked lines; unchanged where
// they are its marked lines already, wherever they stand. What agents up to 0.3.0 wrote goes:
// between their two marks the lines of their form; where one of the marks is missing only lines
// that are exactly those of the peers; in any case the marks.
[[nodiscard]] std::string hosts_with(const std::string& text, const std::string& peers);

// paths::hosts (none: no peers) into /etc/hosts, for muster-routes.service. Writes only what
// differs, keeps the file's mode.
[[nodiscard]] Result<void> write_hosts(Filesystem& files);

}  // namespace muster
