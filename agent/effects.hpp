// Whether what the machine's own oneshots set up is in effect now: as the kernel and /etc/hosts
// have it, not as the files and units say that should cause it. And what the monitors found. Reads
// only; starts no process.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "document/report.hpp"
#include "machine/desired_state.hpp"

namespace muster {

struct Effects {
  // Unit -> why what it sets up is not in effect. Restarting it puts it back.
  std::map<std::string, std::string> undone;
  // What a restart would not put back; `since` is 0.
  std::vector<HealthProblem> unwell;
};

// What cannot be read is a finding, not an error: nothing else waits for it.
[[nodiscard]] Effects observe_effects(const Host& host, const DesiredState& desired);

// The units that watch: part of no document, and yet to be up.
[[nodiscard]] const std::vector<std::string>& monitor_units();

}  // namespace muster
