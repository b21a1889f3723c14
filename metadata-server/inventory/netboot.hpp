// Machines that start by the network: which images they name, and what an inventory may not ask of
// them. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "inventory/findings.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Of a kernel's command line, what the server adds (addresses, digests) has the rest of its 2 KiB.
inline constexpr std::size_t longest_kernel_arguments = 1024;

// "image-tower", the release that a machine with these settings starts by; empty: its disk.
[[nodiscard]] std::string netboot_image(const Value& settings);
// The disk that such a machine keeps its state on; none: it is in memory.
[[nodiscard]] std::optional<StateDisk> state_disk_of(const Value& settings);
// Every such release that a machine or a pool of the cluster names, and where. Linear.
[[nodiscard]] std::map<std::string, Place> netboot_images(const Inventory& inventory,
                                                          const Cluster& cluster);
// The nodes of a cluster that netboot, in name order.
struct NetbootedNode {
  const Node* node = nullptr;
  bool has_state_disk = false;
};
[[nodiscard]] std::vector<NetbootedNode> netbooted_nodes(const Inventory& inventory,
                                                         const Cluster& cluster);

// Why a word cannot be the operator's in a kernel's command line; "": it can.
[[nodiscard]] std::string_view owner_of_argument(std::string_view argument);

// A rule of later_rules' kind.
void check_netboot(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings);

}  // namespace muster
