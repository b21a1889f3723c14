// What the daemon remembers from one run to the next; nothing of it outlives the agent.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "agent/run/backoff.hpp"
#include "document/peer_list.hpp"
#include "document/report.hpp"

namespace muster {

struct Memory {
  bool has_run = false;           // what the first run waited for is only looked at from now on
  std::string tried;              // digest of the document that the last run went by
  Backoff backoff;                // of what failed, as long as that document is tried
  std::uint64_t last_report = 0;  // its number
  std::int64_t heard_order = 0;   // the last to converge, as the server numbers them
  // A checkpoint that could not be written, and what lay on the disk then: it holds as long as that
  // lies there.
  std::string unsaved_checkpoint, checkpoint_on_disk;
  std::map<std::string, std::int64_t> unwell_since;  // subject of a problem -> Unix seconds
  std::vector<HealthProblem> cluster_unwell;         // what the duties found since the last run
  std::vector<HealthProblem> own_unwell;             // of the agent's own state (own_state.hpp)
  std::int64_t locked_out_since = 0;                 // Unix seconds; 0: the run lock was free
  std::set<std::string> told;     // the last run's lines of how things are (Reporter::note_state)
  std::set<std::string> watched;  // units of ours that were up, or that this agent started
  std::uint32_t registered_kubelet = 0;  // PID of one whose Node was Ready: it registers no more
  std::int64_t held_shown = 0;           // seconds of the boot; 0: never (held.hpp)
  PeerList peers;  // the last one: the machine keeps its routes where none is left on the disk
  std::map<std::string, std::string> sound_state;  // of its files that were read: path -> stamp
};

}  // namespace muster
