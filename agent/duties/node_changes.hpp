// How the Node objects differ from the inventory. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/duties/cluster_view.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"

namespace muster {

// The keys that Muster set on a Node, so that what left the inventory can be taken off it and what
// others set stays.
inline constexpr const char* labels_annotation = "muster/labels";
inline constexpr const char* taints_annotation = "muster/taints";
// "cordoned" or "drained" on a Node that Muster keeps from taking pods: what it cordoned it may let
// go, and what it drained it need not drain again.
inline constexpr const char* drain_annotation = "muster/drain";

struct NodePatch {
  std::vector<std::string> nodes;    // that need exactly this patch
  std::string patch;                 // JSON merge patch (RFC 7396)
  std::vector<std::string> changes;  // for people: "m1: label rack=r1"
};

struct NodeChanges {
  std::vector<NodePatch> patches;
  std::vector<std::string> removed;  // Node objects of machines that left the inventory
  std::vector<std::string> drains;   // that still have pods to send away, once the patches are done
};

// Only Nodes that carry Muster's annotations are ever removed, and those of machines that the
// document has the API server refuse. A peer list without this machine is
// not believed: nothing is removed then.
[[nodiscard]] NodeChanges node_changes(const NodeDocument& document, const PeerList& peers,
                                       const std::vector<NodeView>& nodes);

}  // namespace muster
