// When a newer document does not work on this machine: whether it is to blame, and what the machine
// goes by instead. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/run/failure.hpp"
#include "document/node_document.hpp"
#include "machine/desired_state.hpp"

namespace muster {

struct Fallback {
  NodeDocument document;
  // What the newer document changed and cannot be taken back: "etcd 3.6.17".
  std::vector<std::string> stays;
};

// Whether there is a way back at all: what was a master's, and etcd's membership, is not put back.
[[nodiscard]] bool can_fall_back(const NodeDocument& settled, const NodeDocument& newest);

// The settled document, with what always follows the newest: bans, trusted authorities, secrets'
// versions, and certificates as the newest lists them, since the server issues no others (what only
// the settled document lists stays on the disk until it expires). What has changed data on the disk
// stays new: etcd, another minor version of containerd, Debian packages.
[[nodiscard]] Fallback fall_back(const NodeDocument& settled, const NodeDocument& newest);

struct Blame {
  bool is_documents = false;
  // What else it was: "containerd.service was in trouble meanwhile (restarted by systemd)".
  std::string excuse;
};

// Whether `tried` caused the failure: it cannot be rendered (class document), one of its releases
// is no good, or a unit does not run or get ready on inputs that differ from those of the settled
// state, its own or those of what it needs. Never what comes from outside: network, disk, clock,
// identity, the API's silence; nor a unit that `waits` for its turn, and was started as before; nor
// where something that the unit needs was in trouble (disturbance.hpp) which the document did not
// change.
[[nodiscard]] Blame blame_for(const Failure& failure, const DesiredState& tried,
                              const DesiredState& settled, const std::set<std::string>& waits,
                              const std::map<std::string, std::string>& troubles);

}  // namespace muster
