// Whether what should be in effect on the machine is: as the kernel, systemd and /etc/hosts have
// it, not as the files and units say that should cause it. And what the monitors found. Reads only;
// starts no process.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/action.hpp"
#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/report.hpp"

namespace muster {

// What the looks go by. `units` are what systemd said of ours; of a unit that is not in it nothing
// is said.
struct Sight {
  const Host& host;
  const DesiredState& desired;
  const Checkpoint& checkpoint;
  const std::map<std::string, UnitStatus>& units;
};

struct Effects {
  // Unit -> why what it sets up is not in effect. Restarting it puts it back.
  std::map<std::string, std::vector<std::string>> undone;
  // Units of ours that watch and do not: why. Starting them again is the cure.
  std::map<std::string, std::string> lapsed;
  std::vector<PlannedAction> corrections;  // CorrectFile
  std::vector<std::string> next_boot;      // what the machine's next start alone puts into effect
  // What neither puts back; `since` is 0.
  std::vector<HealthProblem> unwell;

  void tell(std::string subject, std::string message) {
    unwell.push_back({std::move(subject), std::move(message), 0});
  }
};

// What cannot be read is a finding, not an error: nothing else waits for it.
[[nodiscard]] Effects observe_effects(const Sight& sight);

// A unit that belongs to no document, and yet is to be up; its finding in paths::monitor_state is
// good for so long. Empty: it tells none.
struct Watcher {
  const char* unit;
  const char* finding;
  std::chrono::seconds good_for;
};
[[nodiscard]] const std::vector<Watcher>& watchers();

// "10.244.3.0/24: missing, 10.244.4.0/24: missing and 12 more"
[[nodiscard]] std::string in_short(const std::vector<std::string>& reasons);

}  // namespace muster
