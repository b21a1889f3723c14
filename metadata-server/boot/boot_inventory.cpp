#include "boot/boot_inventory.hpp"

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

BootMachine to_boot_machine(const Cluster& cluster, const Node& node) {
  BootMachine machine;
  machine.name = {node.cluster.value, node.name.value};
  machine.instance_id = node.match.instance_id.value.empty() ? made_instance_id(machine.name)
                                                             : node.match.instance_id.value;
  machine.address = node.address.value;
  machine.network = network_of(cluster, machine.address);
  for (const auto& mac : node.match.macs) machine.macs.push_back(mac.value);
  if (cluster.node_gateway) machine.gateway = cluster.node_gateway->value;
  for (const auto& server : cluster.nameservers) machine.nameservers.push_back(server.value);
  return machine;
}

}  // namespace

BootInventory::BootInventory(const std::vector<PublishedCluster>& clusters)
    : marks_(nodes_of(clusters)) {
  for (const auto& [cluster, nodes] : clusters) {
    for (const Node& node : nodes) {
      const auto machine = std::make_shared<const BootMachine>(to_boot_machine(cluster, node));
      by_name_[key_of(machine->name)] = machine;
      const auto [place, is_new] = by_address_.emplace(machine->address, machine);
      if (!is_new) place->second = nullptr;
    }
  }
}

BootMatch BootInventory::at_address(const std::string& address) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return {};
  if (!found->second) return {BootMatch::Kind::ambiguous, nullptr};
  return {BootMatch::Kind::found, found->second};
}

BootMatch BootInventory::with_marks(const MachineMarks& marks) const {
  const MatchResult match = marks_.match(marks);
  if (match.kind == MatchResult::Kind::ambiguous) return {BootMatch::Kind::ambiguous, nullptr};
  if (match.kind == MatchResult::Kind::unknown) return {};
  return {BootMatch::Kind::found, by_name_.at(key_of(match.node))};
}

}  // namespace muster
