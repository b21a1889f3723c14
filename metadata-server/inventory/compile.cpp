#include "inventory/compile.hpp"

#include <algorithm>

#include "inventory/compilation.hpp"

namespace muster {

bool has_machine(const std::vector<MachineInput>& machines, const std::string& node) {
  const auto found = std::lower_bound(
      machines.begin(), machines.end(), node,
      [](const auto& machine, const auto& name) { return machine.source.name() < name; });
  return found != machines.end() && found->source.name() == node;
}

Checked<CompiledCluster> compile(const Inventory& inventory, const std::string& cluster,
                                 const SiteFacts& facts) {
  SharedConfigs configs;
  auto compilation = Compilation::prepare(inventory, cluster, facts, configs);
  if (!compilation) return tl::unexpected(std::move(compilation.error()));
  CompiledCluster out;
  out.name = cluster;
  out.releases = compilation->releases();
  out.upgrades = compilation->upgrades();
  out.pod_cidrs = *facts.pod_cidrs;
  compilation->add_pod_cidrs(out.pod_cidrs);
  out.work = compilation->work();
  out.peers.site = facts.site;
  out.peers.cluster = cluster;
  out.warnings = inventory.warnings;
  std::vector<InventoryProblem> problems;
  for (const MachineInput& machine : compilation->machines()) {
    auto made = compilation->make(machine);
    if (!made) {
      problems.insert(problems.end(), made.error().begin(), made.error().end());
      continue;
    }
    out.peers.peers.push_back(compilation->peer(machine));
    out.documents.push_back(std::move(made->document));
  }
  if (!problems.empty()) return tl::unexpected(distinct(std::move(problems)));
  return out;
}

}  // namespace muster
