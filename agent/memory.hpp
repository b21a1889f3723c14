// What the daemon remembers from one run to the next; nothing of it outlives the agent.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/backoff.hpp"
#include "document/report.hpp"

namespace muster {

struct Memory {
  bool has_run = false;  // what the first run waited for is only looked at from now on
  std::string tried;     // digest of the document that the last run went by
  Backoff backoff;       // of what failed, as long as that document is tried
  // Numbers of reports that the checkpoint has set apart for this agent: the first unused (0: none
  // was asked for yet), and the last.
  std::uint64_t next_report = 0, last_report = 0;
  std::map<std::string, std::int64_t> unwell_since;  // subject of a problem -> Unix seconds
  std::vector<HealthProblem> cluster_unwell;         // what the duties found since the last run
};

}  // namespace muster
