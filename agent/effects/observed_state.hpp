// What of a desired state is already there: the other input of the plan. Reads only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/action.hpp"
#include "agent/foundation/certificates.hpp"
#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/report.hpp"

namespace muster {

// Names and paths map to why they are not as desired; what is missing from a map is in order.
struct ObservedState {
  std::map<std::string, std::string> releases;      // by name
  std::map<std::string, std::string> unbrought;     // those whose verified bytes are not there
  std::map<std::string, std::string> replaced;      // release name -> what is current instead
  std::map<std::string, std::string> accounts;      // by name
  std::map<std::string, std::string> certificates;  // by name
  std::map<std::string, std::string> secrets;       // by path
  std::set<std::string> uncompared;  // secrets: whether they are as they were written is not known
  std::map<std::string, std::string> directories, files;
  std::map<std::string, UnitStatus> units;
  std::vector<ImportImage> images;            // of installed releases, not in containerd
  std::map<std::string, std::string> undone;  // units whose work is not in effect (effects.hpp)
  std::map<std::string, std::string> lapsed;  // units that should watch and do not
  std::vector<PlannedAction> corrections;     // of files of ours that are in no document
  std::vector<std::string> next_boot;         // what a boot alone puts into effect
  std::map<std::string, UnitStart> starts;    // for the checkpoint, by unit
  std::map<std::string, std::string> changed_starts;  // unit -> why it wants a restart
  Restarts restarts;  // for the checkpoint: the next look compares with it
  // What should be in effect and is not; `since` is the reporter's to fill in.
  std::vector<HealthProblem> unwell;
};

// io: systemd does not answer.
[[nodiscard]] Result<ObservedState> observe_state(const Host& host, const DesiredState& desired,
                                                  const Checkpoint& checkpoint,
                                                  const Authorities& authorities);

// The part of it that units are started with: releases, secrets, folders and files.
[[nodiscard]] ObservedState observe_inputs(const Host& host, const DesiredState& desired,
                                           const Checkpoint& checkpoint);

// What each unit of the state is started with, as one digest: by its name.
[[nodiscard]] std::map<std::string, std::string> configurations_of(const DesiredState& desired);
// One digest of all that units are started with: where it is another, something is to be tried.
[[nodiscard]] std::string digest_of(const DesiredState& desired);

}  // namespace muster
