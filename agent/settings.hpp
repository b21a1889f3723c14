// What the agent knows before it knows anything: whom to trust and where to ask. From
// /etc/muster/agent.json, overridden by the kernel command line (`muster.pin=`, `muster.server=`).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

struct Settings {
  std::string site_pin;                      // fingerprint of the site key
  std::vector<std::string> enrol_servers;    // "https://10.77.0.1:8443"
  std::string token;                         // join token; empty: wait for `muster approve`
  std::uint32_t maximum_cache_age_days = 0;  // 0: a cached document never grows too old
};

// {"sitePin","enrolServers":[..],"token"?,"cachePolicy":{"maxAgeDays":0}?}. `command_line` is the
// kernel's. Every problem at once; an unknown field is one.
[[nodiscard]] Result<Settings> parse_settings(std::string_view json, std::string_view command_line);
// A missing file is no problem when the command line says enough.
[[nodiscard]] Result<Settings> load_settings(const Filesystem& files);

}  // namespace muster
