#include "boot/boot_inventory.hpp"

#include <algorithm>
#include <tuple>

#include "pki/signature.hpp"

namespace muster {
namespace {

std::string key_of(const NodeName& name) {
  return name.cluster + "/" + name.node;
}

// The shape that EC2's have: "i-" and 17 hexadecimal digits.
std::string made_instance_id(const NodeName& name) {
  return "i-" + sha256_digest(key_of(name)).substr(std::string_view("sha256:").size(), 17);
}

Cidr network_of(const Cluster& cluster, const std::string& address) {
  if (cluster.node_cidr) {
    if (const auto written = parse_cidr(cluster.node_cidr->value)) return *written;
  }
  return cidr_around(ipv4_value(address).value_or(0), 24);
}

std::shared_ptr<const BootMachine> boot_machine(const Cluster& cluster, const Node& node) {
  BootMachine machine;
  machine.name = {node.cluster.value, node.name.value};
  machine.instance_id = node.match.instance_id.value.empty() ? made_instance_id(machine.name)
                                                             : node.match.instance_id.value;
  machine.address = node.address.value;
  machine.network = network_of(cluster, machine.address);
  for (const auto& mac : node.match.macs) machine.macs.push_back(mac.value);
  if (cluster.node_gateway) machine.gateway = cluster.node_gateway->value;
  for (const auto& server : cluster.nameservers) machine.nameservers.push_back(server.value);
  return std::make_shared<const BootMachine>(std::move(machine));
}

// One that is there.
const Node& named(const Inventory& inventory, const NodeName& name) {
  return *std::lower_bound(inventory.nodes.begin(), inventory.nodes.end(), name,
                           [](const Node& node, const NodeName& wanted) {
                             return std::tie(node.cluster.value, node.name.value) <
                                    std::tie(wanted.cluster, wanted.node);
                           });
}

}  // namespace

std::string told_whom(const BootMachine& machine) {
  return fmt::format("cluster {}, node {}", machine.name.cluster, machine.name.node);
}

BootInventory BootInventory::with(const std::string& cluster,
                                  std::shared_ptr<const Inventory> inventory) const {
  BootInventory made = *this;
  made.clusters_.erase(cluster);
  const auto nodes = nodes_of(*inventory, cluster);
  const auto written = inventory->clusters.find(cluster);
  if (nodes.empty() || written == inventory->clusters.end()) return made;
  auto one = std::make_shared<OneCluster>();
  one->cluster = &written->second;
  one->marks = MatchIndex(nodes);
  for (const Node* node : nodes) one->by_address[node->address.value] = node;
  one->inventory = std::move(inventory);
  made.clusters_[cluster] = std::move(one);
  return made;
}

BootMatch BootInventory::at_address(const std::string& address) const {
  BootMatch match;
  for (const auto& [name, cluster] : clusters_) {
    const auto found = cluster->by_address.find(address);
    if (found == cluster->by_address.end()) continue;
    if (match.machine) return {BootMatch::Kind::ambiguous, nullptr};
    match = {BootMatch::Kind::found, boot_machine(*cluster->cluster, *found->second)};
  }
  return match;
}

BootMatch BootInventory::with_marks(const MachineMarks& marks) const {
  BootMatch match;
  for (const auto& [name, cluster] : clusters_) {
    const MatchResult one = cluster->marks.match(marks);
    if (one.kind == MatchResult::Kind::unknown) continue;
    if (one.kind == MatchResult::Kind::ambiguous || match.machine)
      return {BootMatch::Kind::ambiguous, nullptr};
    match = {BootMatch::Kind::found,
             boot_machine(*cluster->cluster, named(*cluster->inventory, one.node))};
  }
  return match;
}

BootMatch BootInventory::with_marks_of_query(const MachineMarks& marks) const {
  BootMatch match = with_marks(marks);
  if (match.kind != BootMatch::Kind::unknown || marks.serial.find(' ') == std::string::npos)
    return match;
  MachineMarks with_plus = marks;
  std::replace(with_plus.serial.begin(), with_plus.serial.end(), ' ', '+');
  return with_marks(with_plus);
}

}  // namespace muster
