#include "inventory/missing_files.hpp"

namespace muster {

std::vector<InventoryProblem> missing_files(const Cluster& cluster,
                                            const std::vector<CatalogueEntry>& releases) {
  std::vector<InventoryProblem> problems;
  for (const auto& release : releases) {
    if (release.missing == 0) continue;
    problems.push_back(problem_at(cluster.name.place, "spec.releases",
                                  fmt::format("every file of release {} {} on the server's disk",
                                              release.name, release.version),
                                  fmt::format("{} missing", release.missing),
                                  "bring them back with 'muster release import'"));
  }
  return problems;
}

}  // namespace muster
