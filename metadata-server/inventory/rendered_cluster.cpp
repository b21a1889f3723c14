#include "inventory/rendered_cluster.hpp"

#include <fmt/format.h>

#include "document/problem.hpp"
#include "inventory/compile.hpp"
#include "machine/command_lines.hpp"
#include "machine/desired_state_of.hpp"

namespace muster {

Checked<void> render_cluster(const Inventory& inventory, const std::string& cluster,
                             const SiteFacts& facts,
                             const std::function<void(RenderedMachine)>& take) {
  auto compiled = compile(inventory, cluster, facts);
  if (!compiled) return tl::unexpected(std::move(compiled.error()));
  Facts hardware;
  hardware.cpus = 4;
  hardware.memory_bytes = 8ull << 30;
  std::vector<InventoryProblem> problems;
  const Place& place = inventory.clusters.at(cluster).name.place;
  for (const NodeDocument& document : compiled->documents) {
    EtcdStart etcd;
    for (const auto& master : document.role.cluster.masters)
      etcd.initial_cluster +=
          fmt::format("{}{}=https://{}:2380", etcd.initial_cluster.empty() ? "" : ",", master.name,
                      master.address);
    auto state = desired_state_of(document, compiled->peers, hardware, etcd);
    if (!state) {
      problems.push_back(problem_at(place, "",
                                    fmt::format("settings that {} takes", document.role.node),
                                    in_ticks(state.error().message)));
      continue;
    }
    RenderedMachine machine{document.role, {}, command_lines(document)};
    for (DesiredFile& file : state->files)
      machine.files.push_back(
          {std::move(file.path), std::move(file.content), std::move(file.owner), file.mode});
    take(std::move(machine));
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return {};
}

}  // namespace muster
