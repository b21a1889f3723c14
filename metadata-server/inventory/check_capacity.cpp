#include "inventory/check_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <tuple>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/check_pool_ranges.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

template <class T>
std::optional<int> whole_number(const T& text) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

// The length of one machine's pod network, and where it is said.
struct MachinePrefix {
  int length = 0;
  Place place;
  std::string field = "spec.podCidrPrefix";
};

MachinePrefix machine_prefix(const Cluster& cluster) {
  MachinePrefix prefix{cluster.pod_cidr_prefix.value, is_set(cluster.pod_cidr_prefix)
                                                          ? cluster.pod_cidr_prefix.place
                                                          : cluster.pod_cidr.place};
  const auto controllers = cluster.component_arguments.find("kube-controller-manager");
  if (cluster.pod_network.value == PodNetwork::routed ||
      controllers == cluster.component_arguments.end())
    return prefix;
  // Where Kubernetes allocates, the operator's own flag decides.
  const auto flag = controllers->second.find("node-cidr-mask-size");
  if (flag == controllers->second.end()) return prefix;
  if (const auto length = whole_number(flag->second.value))
    prefix = {*length, flag->second.place,
              "spec.componentArguments[kube-controller-manager][node-cidr-mask-size]"};
  return prefix;
}

class CapacityChecker {
 public:
  CapacityChecker(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings)
      : inventory_(inventory),
        cluster_(cluster),
        findings_(findings),
        is_routed_(cluster.pod_network.value == PodNetwork::routed),
        prefix_(machine_prefix(cluster)) {}

  void check(const std::vector<const Node*>& nodes, const std::vector<const NodePool*>& pools) {
    const auto pods = parse_cidr(cluster_.pod_cidr.value);
    constexpr int longest = 32;
    if (!pods || prefix_.length <= 0) return;
    if (prefix_.length > longest) {
      findings_.refuse(prefix_.place, prefix_.field, "a prefix length of at most 32",
                       in_ticks(std::to_string(prefix_.length)));
      return;
    }
    if (prefix_.length < static_cast<int>(pods->prefix)) {
      // Of routed pods, check_networks says so.
      if (!is_routed_)
        findings_.refuse(
            prefix_.place, prefix_.field,
            fmt::format("a prefix length of at least {}, podCidr's own", pods->prefix),
            in_ticks(std::to_string(prefix_.length)),
            "kube-controller-manager does not start otherwise; a larger spec.podCidr, or a smaller share of it for each machine");
      return;
    }
    check_difference(*pods);
    check_room(*pods, nodes, pools);
    for (const Node* node : nodes)
      check_pods(node->overrides, node->profiles, node->pod_cidr ? &*node->pod_cidr : nullptr);
    for (const NodePool* pool : pools) check_pods(pool->overrides, pool->profiles, nullptr);
  }

 private:
  void check_difference(const Cidr& pods) {
    constexpr int most = 16;  // kubeadm refuses more; kube-controller-manager of IPv6 alone
    if (prefix_.length - static_cast<int>(pods.prefix) > most)
      findings_.warn(prefix_.place, prefix_.field,
                     fmt::format("at most 16 bits more than podCidr's {}", pods.prefix),
                     in_ticks(std::to_string(prefix_.length)),
                     "no cluster has more than 65536 machines; a smaller spec.podCidr is enough");
  }

  void check_room(const Cidr& pods, const std::vector<const Node*>& nodes,
                  const std::vector<const NodePool*>& pools) {
    const auto room = std::uint64_t{1} << (static_cast<unsigned>(prefix_.length) - pods.prefix);
    std::uint64_t listed = 0, members = 0;
    for (const Node* node : nodes) listed += node->pod_cidr ? 0 : 1;
    for (const NodePool* pool : pools) members += static_cast<std::uint64_t>(pool->maximum.value);
    const std::string expected = fmt::format("room for a /{} of every machine", prefix_.length);
    const char* cure = "a larger spec.podCidr, or raise spec.podCidrPrefix";
    if (listed > room)
      findings_.refuse(cluster_.pod_cidr.place, "spec.podCidr", expected,
                       fmt::format("room for {} of {}", room, listed), cure);
    else if (!is_routed_ && listed + members > room)  // of routed pods, check_pools refuses it
      findings_.warn(cluster_.pod_cidr.place, "spec.podCidr", expected,
                     fmt::format("room for {} of {}", room, listed + members), cure);
  }

  // The highest layer that says it; the default else.
  Sourced<int> most_pods(const Value& overrides,
                         const std::vector<Sourced<std::string>>& profiles) const {
    constexpr const char* field = "kubelet.maxPods";
    constexpr int by_default = 110;
    const Value* written = overrides.find_path(field);
    for (const auto* names : {&profiles, &cluster_.profiles}) {
      for (auto name = names->rbegin(); written == nullptr && name != names->rend(); ++name) {
        const auto profile = inventory_.profiles.find(name->value);
        if (profile != inventory_.profiles.end())
          written = profile->second.settings.find_path(field);
      }
    }
    if (written == nullptr) return {by_default, {}};
    return {whole_number(written->scalar).value_or(by_default), written->place};
  }

  // A bridge and the network's own two addresses are no pod's.
  void check_pods(const Value& overrides, const std::vector<Sourced<std::string>>& profiles,
                  const Sourced<std::string>* own) {
    const auto network = own == nullptr ? std::nullopt : parse_cidr(own->value);
    const int length = network ? static_cast<int>(network->prefix) : prefix_.length;
    const auto addresses = std::max<std::int64_t>((std::int64_t{1} << (32 - length)) - 3, 0);
    const Sourced<int> pods = most_pods(overrides, profiles);
    if (pods.value <= addresses) return;
    const bool is_written = is_set(pods);
    const Place& place = is_written ? pods.place : own != nullptr ? own->place : prefix_.place;
    const std::string field = is_written       ? std::string("kubelet.maxPods")
                              : own != nullptr ? std::string("spec.podCidr")
                                               : prefix_.field;
    if (!told_.emplace(to_text(place), length).second) return;
    findings_.warn(
        place, field,
        fmt::format("a pod address for each of {} pods{}", pods.value,
                    is_written ? "" : " (kubelet.maxPods)"),
        fmt::format("{} in a machine's /{}", addresses, length),
        fmt::format("set kubelet.maxPods to {}, or give machines a larger network", addresses));
  }

  const Inventory& inventory_;
  const Cluster& cluster_;
  RuleFindings& findings_;
  const bool is_routed_;
  const MachinePrefix prefix_;
  std::set<std::pair<std::string, int>> told_;
};

}  // namespace

void check_capacity(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings) {
  const std::string& name = cluster.name.value;
  const auto nodes = nodes_of(inventory, name);
  const auto pools = pools_of(inventory, name);
  CapacityChecker(inventory, cluster, findings).check(nodes, pools);
  check_pool_ranges(cluster, nodes, pools, findings);
}

}  // namespace muster
