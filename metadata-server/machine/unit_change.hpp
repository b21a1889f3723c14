// What a change costs a running machine: which unit is restarted, and whether at once or at the
// machine's turn. The one home of that: the agent's plan goes by it, and the server tells it before
// a publication (`muster diff`). Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "machine/desired_state.hpp"

namespace muster {

// What a unit is started with, as digests; empty: never started by us.
struct UnitInputs {
  std::string configuration;                 // contents of restart_on and the releases' manifests
  std::string reloaded;                      // contents of reload_on
  std::map<std::string, std::string> tools;  // release -> digest of its manifest
};

[[nodiscard]] UnitInputs inputs_of(const DesiredUnit& unit, const DesiredState& desired);

// For a unit that runs with `was` and is to run with `now`.
struct UnitEffect {
  bool restarts = false;
  bool waits = false;    // the restart, for the machine's turn: a reboot, `muster node converge`
  bool reloads = false;  // at once, without a restart
};
// A tool that `was` does not have is new to the unit.
[[nodiscard]] UnitEffect effect_of(const DesiredUnit& unit, const UnitInputs& was,
                                   const UnitInputs& now);

struct UnitChange {
  enum class Kind { start, reload, restart, stop };
  std::string unit;
  Kind kind = Kind::start;
  bool waits = false;  // for the machine's turn; else at once
  std::string reason;  // "runc 1.5.2 -> 1.5.3, /etc/kubernetes/kubelet.yaml"
};
// What a machine that runs by `before` does once it has `after`: units of `after` in their order,
// then those that stop.
[[nodiscard]] std::vector<UnitChange> changes_between(const DesiredState& before,
                                                      const DesiredState& after);
// "containerd.service: restart: runc 1.5.2 -> 1.5.3", and when.
[[nodiscard]] std::string to_text(const UnitChange& change);

}  // namespace muster
