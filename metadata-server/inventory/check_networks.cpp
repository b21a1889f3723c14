#include "inventory/check_networks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/read_objects.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

struct NamedNetwork {
  std::string name;  // a field of the cluster, or a node
  const Sourced<std::string>* written;
  Cidr network;
};

std::vector<NamedNetwork> networks_of(const Cluster& cluster) {
  std::vector<NamedNetwork> networks;
  const auto add = [&](const char* field, const Sourced<std::string>& written) {
    if (const auto network = parse_cidr(written.value))
      networks.push_back({field, &written, *network});
  };
  add("spec.podCidr", cluster.pod_cidr);
  add("spec.serviceCidr", cluster.service_cidr);
  if (cluster.node_cidr) add("spec.nodeCidr", *cluster.node_cidr);
  return networks;
}

class NodeNetworkChecker {
 public:
  NodeNetworkChecker(const Cluster& cluster, std::vector<InventoryProblem>& problems)
      : cluster_(cluster), problems_(problems), networks_(networks_of(cluster)) {}

  void check(const std::vector<const Node*>& nodes) {
    const Node* anchor = find_anchor(nodes);
    for (const Node* node : nodes) {
      const auto address = ipv4_value(node->address.value);
      if (address) check_address(*node, *address, anchor);
      if (node->pod_cidr) check_pod_cidr(*node);
    }
    check_pod_overlaps();
  }

 private:
  void report(const Place& place, std::string field, std::string expected, const std::string& found,
              std::string hint = {}) {
    problems_.push_back(
        problem_at(place, std::move(field), std::move(expected), in_ticks(found), std::move(hint)));
  }

  // Whose segment the others are measured against: the master's, else the first node's.
  static const Node* find_anchor(const std::vector<const Node*>& nodes) {
    const Node* anchor = nullptr;
    for (const Node* node : nodes) {
      if (!ipv4_value(node->address.value)) continue;
      const bool is_master = is_set(node->role) && node->role.value == Role::master;
      if (anchor == nullptr || is_master) anchor = node;
      if (is_master) break;
    }
    return anchor;
  }

  void check_address(const Node& node, std::uint32_t address, const Node* anchor) {
    const Sourced<std::string>& written = node.address;
    for (const NamedNetwork& named : networks_) {
      const bool inside = named.network.contains(address);
      const bool is_node_network = named.name == "spec.nodeCidr";
      if (is_node_network && !inside)
        report(written.place, "spec.address",
               fmt::format("an address in nodeCidr {}", cidr_text(named.network)), written.value);
      if (!is_node_network && inside)
        report(
            written.place, "spec.address",
            fmt::format("an address outside {} {}", named.name.substr(5), cidr_text(named.network)),
            written.value);
    }
    const bool needs_segment =
        cluster_.pod_network.value == PodNetwork::routed && !cluster_.node_cidr;
    if (!needs_segment) return;
    constexpr unsigned segment_prefix = 24;
    const Cidr segment = cidr_around(*ipv4_value(anchor->address.value), segment_prefix);
    if (!segment.contains(address))
      report(
          written.place, "spec.address",
          fmt::format("an address in {} like that of '{}', since routed pods need one L2 segment",
                      cidr_text(segment), anchor->name.value),
          written.value, "set the cluster's spec.nodeCidr if the segment is larger");
  }

  void check_pod_cidr(const Node& node) {
    const Sourced<std::string>& written = *node.pod_cidr;
    const auto network = parse_cidr(written.value);
    if (!network) return;
    if (cluster_.pod_network.value == PodNetwork::none) {
      report(written.place, "spec.podCidr", "no pod network of ours with podNetwork none",
             written.value);
      return;
    }
    const auto all_pods = parse_cidr(cluster_.pod_cidr.value);
    if (all_pods && !all_pods->contains(*network)) {
      report(written.place, "spec.podCidr",
             fmt::format("a network in the cluster's podCidr {}", cidr_text(*all_pods)),
             written.value);
      return;
    }
    constexpr unsigned smallest = 28;  // a bridge, its broadcast and a dozen pods
    if (network->prefix > smallest)
      report(written.place, "spec.podCidr", "a network of /28 or larger", written.value);
    else
      pod_networks_.push_back({node.name.value, &written, *network});
  }

  // Sorted by first address, two networks overlap only if one holds the start of the next.
  void check_pod_overlaps() {
    std::stable_sort(pod_networks_.begin(), pod_networks_.end(),
                     [](const NamedNetwork& left, const NamedNetwork& right) {
                       return left.network.network < right.network.network;
                     });
    const NamedNetwork* widest = nullptr;
    for (const NamedNetwork& named : pod_networks_) {
      if (widest != nullptr && widest->network.overlaps(named.network))
        report(named.written->place, "spec.podCidr", "a network that no other machine has",
               named.written->value,
               fmt::format("node '{}' at {} has {}", widest->name, to_text(widest->written->place),
                           widest->written->value));
      if (widest == nullptr || end_of(named.network) > end_of(widest->network)) widest = &named;
    }
  }

  const Cluster& cluster_;
  std::vector<InventoryProblem>& problems_;
  std::vector<NamedNetwork> networks_;
  std::vector<NamedNetwork> pod_networks_;
};

void check_gateway(const Cluster& cluster, std::vector<InventoryProblem>& problems) {
  if (!cluster.node_gateway) return;
  const auto& [written, place] = *cluster.node_gateway;
  const auto network =
      cluster.node_cidr ? parse_cidr(cluster.node_cidr->value) : std::optional<Cidr>();
  const auto address = ipv4_value(written);
  if (!address || (network && network->contains(*address))) return;
  problems.push_back(problem_at(
      place, "spec.nodeGateway",
      network ? fmt::format("an address in nodeCidr {}", cidr_text(*network)) : "spec.nodeCidr too",
      in_ticks(written)));
}

}  // namespace

void check_cluster_networks(const Cluster& cluster, std::vector<InventoryProblem>& problems) {
  const std::vector<NamedNetwork> networks = networks_of(cluster);
  for (std::size_t later = 1; later < networks.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (networks[earlier].network.overlaps(networks[later].network))
        problems.push_back(
            problem_at(networks[later].written->place, networks[later].name,
                       fmt::format("a network outside {} {}", networks[earlier].name.substr(5),
                                   networks[earlier].written->value),
                       in_ticks(networks[later].written->value)));
    }
  }
  check_gateway(cluster, problems);
  const auto pods = parse_cidr(cluster.pod_cidr.value);
  const Place& place =
      is_set(cluster.pod_cidr_prefix) ? cluster.pod_cidr_prefix.place : cluster.pod_cidr.place;
  if (pods && cluster.pod_network.value == PodNetwork::routed &&
      cluster.pod_cidr_prefix.value < static_cast<int>(pods->prefix))
    problems.push_back(
        problem_at(place, "spec.podCidrPrefix",
                   fmt::format("a prefix length of at least {}, podCidr's own", pods->prefix),
                   in_ticks(std::to_string(cluster.pod_cidr_prefix.value))));
}

void check_node_networks(const Cluster& cluster, const std::vector<const Node*>& nodes,
                         std::vector<InventoryProblem>& problems) {
  NodeNetworkChecker(cluster, problems).check(nodes);
}

}  // namespace muster
