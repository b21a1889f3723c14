#include "inventory/check_addresses.hpp"

#include <fmt/format.h>

#include <set>
#include <unordered_map>
#include <utility>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/read_objects.hpp"
#include "inventory/special_networks.hpp"

namespace muster {

namespace {

using Written = Sourced<std::string>;

class AddressChecker {
 public:
  AddressChecker(const Cluster& cluster, RuleFindings& findings)
      : cluster_(cluster),
        findings_(findings),
        pods_(parse_cidr(cluster.pod_cidr.value)),
        services_(parse_cidr(cluster.service_cidr.value)) {
    if (cluster.node_cidr) machines_ = parse_cidr(cluster.node_cidr->value);
  }

  void check(const std::vector<const Node*>& nodes, const std::vector<const NodePool*>& pools) {
    check_network(cluster_.pod_cidr, "spec.podCidr");
    check_network(cluster_.service_cidr, "spec.serviceCidr");
    if (cluster_.node_cidr) check_machines_network(*cluster_.node_cidr, "spec.nodeCidr");
    for (const NodePool* pool : pools) {
      for (std::size_t index = 0; index < pool->address_ranges.size(); ++index)
        check_machines_network(pool->address_ranges[index],
                               fmt::format("spec.addressRanges[{}]", index));
    }
    for (const Node* node : nodes) check_node(*node);
    for (const Node* node : nodes) {
      if (node->bmc) check_bmc(node->bmc->address);
    }
    if (cluster_.node_gateway) check_host(*cluster_.node_gateway, "spec.nodeGateway");
    check_nameservers();
    if (cluster_.api_mode.value == EndpointMode::external) check_endpoint();
  }

 private:
  static std::string kept_for(const Cidr& network, const SpecialNetwork& special) {
    return fmt::format("{}, {} {}, which is {}{}", in_ticks(cidr_text(network)),
                       special.network.contains(network) ? "in" : "over",
                       cidr_text(special.network),
                       special.use == SpecialNetwork::Use::odd ? "for " : "", special.purpose);
  }
  static constexpr const char* ordinary =
      "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and 100.64.0.0/10 are free for it";

  void check_network(const Written& written, const std::string& field) {
    const auto network = parse_cidr(written.value);
    if (!network) return;
    const SpecialNetwork* special = special_network(*network);
    if (special == nullptr)
      findings_.warn(written.place, field, "a private network",
                     in_ticks(written.value) + ", public addresses",
                     "who has them on the internet cannot be reached from the cluster");
    else if (special->use == SpecialNetwork::Use::unusable)
      findings_.refuse(written.place, field, "a network in which pods and services can be reached",
                       kept_for(*network, *special), ordinary);
    else if (special->use == SpecialNetwork::Use::odd)
      findings_.warn(written.place, field, "a private network", kept_for(*network, *special),
                     ordinary);
  }

  // Public addresses are as good as others here; a machine on loopback is what tests have.
  void check_machines_network(const Written& written, const std::string& field) {
    const auto network = parse_cidr(written.value);
    const SpecialNetwork* special = network ? special_network(*network) : nullptr;
    if (special == nullptr || special->use == SpecialNetwork::Use::ordinary) return;
    const bool is_refused =
        special->use == SpecialNetwork::Use::unusable && special->purpose != "loopback";
    const std::string expected = "a network in which machines can be reached";
    if (is_refused)
      findings_.refuse(written.place, field, expected, kept_for(*network, *special), ordinary);
    else
      findings_.warn(written.place, field, expected, kept_for(*network, *special), ordinary);
  }

  // What no host can have. `cure`: of addresses that are none of a machine.
  bool check_host(const Written& written, const std::string& field, const std::string& cure = {}) {
    const auto address = ipv4_value(written.value);
    if (!address) return false;
    if (const auto what = unusable_address(*address); !what.empty()) {
      findings_.refuse(written.place, field, "an address that a machine can have",
                       fmt::format("{}, {}", in_ticks(written.value), what), cure);
      return false;
    }
    constexpr unsigned last_with_broadcast = 30;  // RFC 3021: a /31 has two hosts
    if (!machines_ || !machines_->contains(*address) || machines_->prefix > last_with_broadcast)
      return true;
    const auto last = static_cast<std::uint32_t>(end_of(*machines_) - 1);
    if (*address != machines_->network && *address != last) return true;
    findings_.refuse(
        written.place, field, fmt::format("a host's address in nodeCidr {}", cidr_text(*machines_)),
        fmt::format("{}, the network's {}", in_ticks(written.value),
                    *address == last ? "broadcast address" : "own address"),
        fmt::format("hosts have {} to {}", ipv4_text(machines_->network + 1), ipv4_text(last - 1)));
    return false;
  }

  void check_node(const Node& node) {
    const Written& written = node.address;
    if (!check_host(written, "spec.address",
                    "kubelet refuses it; write the address of the machine's own NIC"))
      return;
    const std::uint32_t address = *ipv4_value(written.value);
    nodes_.emplace(address, &node);
    refuse_gateway(written, "spec.address");
    const std::uint32_t last_octet = address & 0xff;
    if (!machines_ && (last_octet == 0 || last_octet == 0xff))
      findings_.warn(written.place, "spec.address", "a host's address",
                     fmt::format("{}, in a /24 the network's {}", in_ticks(written.value),
                                 last_octet == 0 ? "own address" : "broadcast address"),
                     "say with the cluster's spec.nodeCidr what the machines' network is");
  }

  void refuse_gateway(const Written& written, const std::string& field) {
    if (!cluster_.node_gateway ||
        ipv4_value(cluster_.node_gateway->value) != ipv4_value(written.value))
      return;
    findings_.refuse(
        written.place, field, "an address that the cluster's nodeGateway has not",
        in_ticks(written.value),
        fmt::format("spec.nodeGateway at {} has it", to_text(cluster_.node_gateway->place)));
  }

  void check_bmc(const Written& written) {
    const std::string field = "spec.bmc.address";
    if (!check_host(written, field, "write the address that the BMC is reached by")) return;
    refuse_gateway(written, field);
    refuse_inside(written, field, "a BMC is reached without the cluster's network");
  }

  void refuse_inside(const Written& written, const std::string& field, const std::string& why) {
    const std::uint32_t address = *ipv4_value(written.value);
    for (const auto& [name, network] :
         {std::pair("serviceCidr", services_), std::pair("podCidr", pods_)}) {
      if (network && network->contains(address))
        findings_.refuse(written.place, field,
                         fmt::format("an address outside {} {}", name, cidr_text(*network)),
                         in_ticks(written.value), why);
    }
  }

  void check_nameservers() {
    std::set<std::string> asked;
    for (std::size_t index = 0; index < cluster_.nameservers.size(); ++index) {
      const Written& written = cluster_.nameservers[index];
      const std::string field = fmt::format("spec.nameservers[{}]", index);
      check_nameserver(written, field);
      if (!asked.insert(written.value).second)
        findings_.warn(written.place, field, "each name server once", in_ticks(written.value));
      constexpr std::size_t most_asked = 3;  // of resolv.conf, by glibc and kubelet
      if (index == most_asked)
        findings_.warn(written.place, field, "at most 3 name servers, since no more are asked",
                       "the fourth");
    }
  }

  void check_nameserver(const Written& written, const std::string& field) {
    if (!check_host(written, field,
                    "name the servers that machines and pods can ask; a pod's loopback is its own"))
      return;
    const std::uint32_t address = *ipv4_value(written.value);
    constexpr std::uint32_t dns_address = 10;  // of serviceCidr: where pods ask
    if (services_ && services_->contains(address)) {
      const bool is_loop = written.value == nth_address(*services_, dns_address);
      findings_.refuse(
          written.place, field,
          fmt::format("an address outside serviceCidr {}", cidr_text(*services_)),
          in_ticks(written.value) + (is_loop ? ", the cluster's own DNS" : ", a service"),
          is_loop ? "it asks these servers itself: a loop"
                  : "a machine needs names before the cluster has services");
    } else if (pods_ && pods_->contains(address)) {
      findings_.refuse(
          written.place, field, fmt::format("an address outside podCidr {}", cidr_text(*pods_)),
          in_ticks(written.value) + ", a pod", "a machine needs names before the cluster has pods");
    } else if (const auto node = nodes_.find(address); node != nodes_.end()) {
      findings_.warn(
          written.place, field, "a name server that is no machine of the cluster",
          fmt::format("{}, node '{}'", in_ticks(written.value), node->second->name.value),
          "while it is away no machine has names");
    }
  }

  void check_endpoint() {
    const Written& written = cluster_.api_host;
    const std::string field = "spec.api.host";
    if (!check_host(written, field, "name what every machine reaches the API by")) return;
    refuse_inside(written, field, "machines reach the API there before the cluster's network is");
  }

  const Cluster& cluster_;
  RuleFindings& findings_;
  const std::optional<Cidr> pods_, services_;
  std::optional<Cidr> machines_;
  std::unordered_map<std::uint32_t, const Node*> nodes_;
};

}  // namespace

void check_addresses(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings) {
  const std::string& name = cluster.name.value;
  AddressChecker(cluster, findings).check(nodes_of(inventory, name), pools_of(inventory, name));
}

}  // namespace muster
