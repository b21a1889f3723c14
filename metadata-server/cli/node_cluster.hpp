// The cluster of a node that was named alone.
#pragma once

#include <string>

#include "cli/session.hpp"

namespace muster {

// `cluster` where it is given; else the only cluster that has this node, by asking the server.
// not_found: no such node. conflict: in several clusters, with their names and the cure.
[[nodiscard]] Result<std::string> cluster_of(Session& session, const std::string& cluster,
                                             const std::string& node);

// "nodes/CLUSTER/NODE", escaped.
[[nodiscard]] std::string node_path(const std::string& cluster, const std::string& node);

}  // namespace muster
