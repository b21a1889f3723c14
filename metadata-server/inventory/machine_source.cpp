#include "inventory/machine_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <unordered_map>

#include "document/problem.hpp"
#include "inventory/pool_members.hpp"

namespace muster {

namespace {

const NodePool* find_pool(const std::vector<const NodePool*>& pools, const std::string& name) {
  for (const NodePool* pool : pools) {
    if (pool->name.value == name) return pool;
  }
  return nullptr;
}

// Who is asked first keeps it: the member is a machine that runs, the node a line that was written.
void check_clashes(const std::vector<const Node*>& listed,
                   const std::vector<MachineSource>& members,
                   std::vector<InventoryProblem>& problems) {
  if (listed.empty()) return;
  std::unordered_map<std::string_view, const MachineSource*> names, addresses;
  for (const MachineSource& member : members) {
    names[member.name()] = &member;
    addresses[member.address()] = &member;
  }
  const auto refuse = [&](const auto& taken, const Sourced<std::string>& written,
                          const char* field) {
    const auto found = taken.find(written.value);
    if (found == taken.end()) return;
    const MachineSource& member = *found->second;
    problems.push_back(
        problem_at(written.place, field, "a value of one machine only", in_ticks(written.value),
                   fmt::format("'{}' of pool '{}' has it; 'muster node remove {}' frees it",
                               member.name(), member.pool(), member.name())));
  };
  for (const Node* node : listed) {
    refuse(names, node->name, "metadata.name");
    refuse(addresses, node->address, "spec.address");
  }
}

}  // namespace

std::vector<std::string> MachineSource::macs() const {
  std::vector<std::string> macs;
  if (node_ == nullptr) return macs;
  for (const Sourced<std::string>& mac : node_->match.macs) macs.push_back(mac.value);
  return macs;
}

Node MachineSource::node() const {
  return node_ ? *node_ : node_of(*pool_, *member_);
}

std::vector<MachineSource> machine_sources(const Inventory& inventory, const std::string& cluster,
                                           const SiteFacts& facts,
                                           std::vector<InventoryProblem>& problems) {
  const std::vector<const NodePool*> pools = pools_of(inventory, cluster);
  const std::vector<const Node*> listed = nodes_of(inventory, cluster);
  std::vector<MachineSource> machines;
  machines.reserve(facts.members.size() + listed.size());
  for (const PoolMember& member : facts.members) {
    if (const NodePool* pool = find_pool(pools, member.pool)) machines.emplace_back(*pool, member);
  }
  check_clashes(listed, machines, problems);
  if (!facts.is_started && awaits_masters(inventory, cluster, facts.members)) return {};
  for (const Node* node : listed) machines.emplace_back(*node);
  std::sort(machines.begin(), machines.end(),
            [](const MachineSource& left, const MachineSource& right) {
              return left.name() < right.name();
            });
  return machines;
}

std::vector<std::string> refused_machines(const SiteFacts& facts,
                                          const std::vector<MachineSource>& sources) {
  std::vector<std::string> gone = facts.departed_machines, names;
  std::sort(gone.begin(), gone.end());
  for (const MachineSource& source : sources) names.push_back(source.name());
  std::vector<std::string> left;
  std::set_difference(gone.begin(), gone.end(), names.begin(), names.end(),
                      std::back_inserter(left));
  std::set<std::string> refused(left.begin(), left.end());
  refused.insert(facts.banned_machines.begin(), facts.banned_machines.end());
  return {refused.begin(), refused.end()};
}

}  // namespace muster
