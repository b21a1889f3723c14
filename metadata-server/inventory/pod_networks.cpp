#include "inventory/pod_networks.hpp"

#include <fmt/format.h>

#include "document/ipv4.hpp"
#include "document/problem.hpp"

namespace muster {

namespace {

class PodNetworkAllocator {
 public:
  PodNetworkAllocator(const Cluster& cluster, const Cidr& pods,
                      std::vector<InventoryProblem>& problems)
      : cluster_(cluster), pods_(pods), problems_(problems), next_(pods.network) {}

  PodNetworks allocate(const std::vector<MachineSource>& machines,
                       const std::map<std::string, std::string>& kept) {
    for (const MachineSource& machine : machines) {
      if (const auto* written = machine.written_network()) written_[machine.name()] = written;
    }
    take_written();
    take_kept(kept);
    std::size_t without = 0;
    for (const MachineSource& machine : machines) {
      if (!networks_.by_node.contains(machine.name()) && !give_next(machine.name())) ++without;
    }
    if (without > 0) report_full(without);
    return std::move(networks_);
  }

 private:
  void reserve(const std::string& node, const Cidr& network, std::string text) {
    taken_[network.network] = {end_of(network), node};
    networks_.by_node[node] = std::move(text);
  }

  // The node whose network overlaps, or nullptr. Taken networks never overlap each other, so only
  // the last one that starts before the end can.
  const std::string* owner_of(const Cidr& network) {
    ++networks_.work;
    auto after = taken_.lower_bound(end_of(network));
    if (after == taken_.begin()) return nullptr;
    const auto& [first, taken] = *std::prev(after);
    return taken.end > network.network ? &taken.node : nullptr;
  }

  void take_written() {
    for (const auto& [node, written] : written_) {
      if (const auto network = parse_cidr(written->value))
        reserve(node, *network, cidr_text(*network));
    }
  }

  void take_kept(const std::map<std::string, std::string>& kept) {
    for (const auto& [node, text] : kept) {
      const auto network = parse_cidr(text);
      if (!network || !pods_.contains(*network) || networks_.by_node.contains(node)) continue;
      const std::string* owner = owner_of(*network);
      if (owner == nullptr)
        reserve(node, *network, text);  // ours, as it was written
      else if (const auto written = written_.find(*owner); written != written_.end())
        problems_.push_back(problem_at(
            written->second->place, "spec.podCidr", "a network that no other machine has",
            in_ticks(written->second->value), fmt::format("'{}' was given {}", node, text)));
    }
  }

  bool give_next(const std::string& node) {
    const auto prefix = static_cast<unsigned>(cluster_.pod_cidr_prefix.value);
    const std::uint64_t step = std::uint64_t{1} << (32 - prefix);
    while (next_ + step <= end_of(pods_)) {
      const Cidr network{static_cast<std::uint32_t>(next_), prefix};
      next_ += step;
      if (owner_of(network) != nullptr) continue;
      reserve(node, network, cidr_text(network));
      return true;
    }
    return false;
  }

  void report_full(std::size_t without) {
    problems_.push_back(problem_at(
        cluster_.pod_cidr.place, "spec.podCidr",
        fmt::format("room for a /{} of every machine", cluster_.pod_cidr_prefix.value),
        fmt::format("none for {} of them", without),
        "raise spec.podCidrPrefix, or drop the networks of machines that are gone with 'muster node remove'"));
  }

  struct Taken {
    std::uint64_t end = 0;
    std::string node;
  };

  const Cluster& cluster_;
  const Cidr pods_;
  std::vector<InventoryProblem>& problems_;
  std::uint64_t next_;                    // where the search for a free one goes on
  std::map<std::uint64_t, Taken> taken_;  // by first address
  std::map<std::string, const Sourced<std::string>*> written_;
  PodNetworks networks_;
};

}  // namespace

PodNetworks allocate_pod_networks(const Cluster& cluster,
                                  const std::vector<MachineSource>& machines,
                                  const std::map<std::string, std::string>& kept,
                                  std::vector<InventoryProblem>& problems) {
  const auto pods = parse_cidr(cluster.pod_cidr.value);
  if (cluster.pod_network.value == PodNetwork::none || !pods) return {};
  return PodNetworkAllocator(cluster, *pods, problems).allocate(machines, kept);
}

}  // namespace muster
