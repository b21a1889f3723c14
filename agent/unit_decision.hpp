// What becomes of each unit: started, restarted, reloaded or stopped now, or restarted at the
// machine's turn, for which files and releases are held back then. Pure.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/effects/observed_state.hpp"
#include "agent/run_kind.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

struct UnitDecision {
  std::vector<std::string> start, reload, stop;
  // Unit -> why; put_back: what fell out of effect, and what should watch and does not.
  std::map<std::string, std::string> restart, put_back;
  std::chrono::seconds deadline{60};
  // What a unit that waits for its turn was not started with: a crash restart must not take it up.
  std::set<std::string> held_files, held_releases;
  // Of what is held back: what is there in no version, and is put back as it was.
  std::set<std::string> lost_files, lost_releases;
  std::vector<std::string> pending;
};

// What the units run with that wait for their turn, and what of it is not there.
struct SettledState {
  DesiredState desired;
  ObservedState observed;  // observe_inputs
};

// What a change costs is effect_of's to say (machine/unit_change); this knows what is there.
// `settled`: nullptr where it is not known.
[[nodiscard]] UnitDecision decide_units(const DesiredState& desired, const ObservedState& observed,
                                        const Checkpoint& checkpoint, RunKind kind,
                                        const SettledState* settled = nullptr);

// Why something is not as desired, of one of ObservedState's maps; empty: it is.
[[nodiscard]] std::string reason_in(const std::map<std::string, std::string>& reasons,
                                    const std::string& key);

}  // namespace muster
