// A control-plane machine whose document makes it a node: it leaves etcd first, and then loses what
// only a master may have.
#pragma once

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "document/node_document.hpp"

namespace muster {

// Nothing to do for a machine that was none. Else: takes its member out of etcd (starting etcd
// where the others are no quorum without it), stops the control plane's units, removes etcd's data
// and snapshots and every certificate that the document does not list. Files and secrets that the
// document does not name any more are the plan's to remove. Not for a running machine whose turn
// has not come. Safe to repeat after a crash at any point. Class etcd, and everything stays: it
// cannot leave now.
[[nodiscard]] ConvergeResult<> leave_control_plane(Run& run, const NodeDocument& document);

}  // namespace muster
