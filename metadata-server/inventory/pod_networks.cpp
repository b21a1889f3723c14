#include "inventory/pod_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

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
    PodNetworks networks;
    networks.of_machines.resize(machines.size());
    take_written(machines, networks.of_machines);
    take_kept(machines, kept, networks.of_machines);
    std::size_t without = 0;
    for (std::string& network : networks.of_machines) {
      if (network.empty() && !give_next(network)) ++without;
    }
    if (without > 0) report_full(without);
    networks.work = work_;
    return networks;
  }

 private:
  struct Taken {
    std::uint64_t first = 0, end = 0;
    const Sourced<std::string>* written = nullptr;  // nullptr: kept
  };
  struct Kept {
    Cidr network;
    std::size_t machine = none;
    const std::pair<const std::string, std::string>* entry = nullptr;  // node and text
  };
  static constexpr std::size_t none = SIZE_MAX;

  static bool starts_before(const Taken& left, const Taken& right) {
    return left.first < right.first;
  }

  // Which overlaps, or nullptr. Taken networks never overlap each other, so only the last one that
  // starts before the end can.
  const Taken* owner_of(const Cidr& network) {
    ++work_;
    const auto after =
        std::lower_bound(taken_.begin(), taken_.end(), Taken{end_of(network)}, starts_before);
    if (after == taken_.begin() || std::prev(after)->end <= network.network) return nullptr;
    return &*std::prev(after);
  }

  void take_written(const std::vector<MachineSource>& machines,
                    std::vector<std::string>& networks) {
    for (std::size_t index = 0; index < machines.size(); ++index) {
      const auto* written = machines[index].written_network();
      const auto network = written ? parse_cidr(written->value) : std::nullopt;
      if (!network) continue;
      taken_.push_back({network->network, end_of(*network), written});
      networks[index] = cidr_text(*network);
    }
    std::sort(taken_.begin(), taken_.end(), starts_before);
  }

  // Of those that still stand, by address; machines and kept ones are both in name order.
  std::vector<Kept> kept_by_address(const std::vector<MachineSource>& machines,
                                    const std::map<std::string, std::string>& kept,
                                    const std::vector<std::string>& networks) const {
    std::vector<Kept> found;
    found.reserve(kept.size());
    std::size_t machine = 0;
    for (const auto& entry : kept) {
      while (machine < machines.size() && machines[machine].name() < entry.first) ++machine;
      const bool is_there = machine < machines.size() && machines[machine].name() == entry.first;
      if (is_there && !networks[machine].empty()) continue;
      const auto network = parse_cidr(entry.second);
      if (network && pods_.contains(*network))
        found.push_back({*network, is_there ? machine : none, &entry});
    }
    std::stable_sort(found.begin(), found.end(), [](const Kept& left, const Kept& right) {
      return left.network.network < right.network.network;
    });
    return found;
  }

  void take_kept(const std::vector<MachineSource>& machines,
                 const std::map<std::string, std::string>& kept,
                 std::vector<std::string>& networks) {
    std::vector<Taken> taken;
    for (const Kept& one : kept_by_address(machines, kept, networks)) {
      if (!taken.empty() && taken.back().end > one.network.network) continue;
      if (const Taken* owner = owner_of(one.network)) {
        problems_.push_back(
            problem_at(owner->written->place, "spec.podCidr", "a network that no other machine has",
                       in_ticks(owner->written->value),
                       fmt::format("'{}' was given {}", one.entry->first, one.entry->second)));
        continue;
      }
      taken.push_back({one.network.network, end_of(one.network)});
      if (one.machine != none) networks[one.machine] = one.entry->second;  // as it was written
    }
    const auto written = std::ssize(taken_);
    taken_.insert(taken_.end(), taken.begin(), taken.end());
    std::inplace_merge(taken_.begin(), taken_.begin() + written, taken_.end(), starts_before);
  }

  // What is given lies before where the search goes on, so that it need not be looked at again.
  bool give_next(std::string& text) {
    const auto prefix = static_cast<unsigned>(cluster_.pod_cidr_prefix.value);
    const std::uint64_t step = std::uint64_t{1} << (32 - prefix);
    while (next_ + step <= end_of(pods_)) {
      const Cidr network{static_cast<std::uint32_t>(next_), prefix};
      next_ += step;
      if (owner_of(network) != nullptr) continue;
      text = cidr_text(network);
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

  const Cluster& cluster_;
  const Cidr pods_;
  std::vector<InventoryProblem>& problems_;
  std::uint64_t next_;        // where the search for a free one goes on
  std::vector<Taken> taken_;  // written and kept ones, by first address
  std::size_t work_ = 0;
};

}  // namespace

PodNetworks allocate_pod_networks(const Cluster& cluster,
                                  const std::vector<MachineSource>& machines,
                                  const std::map<std::string, std::string>& kept,
                                  std::vector<InventoryProblem>& problems) {
  const auto pods = parse_cidr(cluster.pod_cidr.value);
  if (cluster.pod_network.value == PodNetwork::none || !pods)
    return {std::vector<std::string>(machines.size()), 0};
  return PodNetworkAllocator(cluster, *pods, problems).allocate(machines, kept);
}

}  // namespace muster
