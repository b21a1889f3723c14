#include "publish/upgrade_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "document/problem.hpp"
#include "inventory/netboot.hpp"
#include "inventory/release_choice.hpp"

namespace muster {

std::vector<InventoryProblem> check_upgrades(const std::vector<std::string>& upgrades,
                                             const std::vector<std::string>& clusters,
                                             const Inventory& inventory) {
  static const auto flag = std::make_shared<const std::string>("--upgrade");
  std::vector<InventoryProblem> problems;
  for (const auto& name : upgrades) {
    Place written;
    const bool is_free = std::any_of(clusters.begin(), clusters.end(), [&](const auto& cluster) {
      const auto found = inventory.clusters.find(cluster);
      if (found == inventory.clusters.end()) return false;
      const auto version = found->second.releases.find(name);
      if (version != found->second.releases.end()) written = version->second.place;
      const bool is_image = !found->second.releases.contains(name) &&
                            netboot_images(inventory, found->second).contains(name);
      return is_image || ReleaseChoice::is_free(found->second, name);
    });
    if (is_free) continue;
    const bool is_written = written.file != nullptr;
    problems.push_back(problem_at(
        is_written ? written : Place{flag, 0, 0},
        is_written ? fmt::format("spec.releases[{}]", name) : std::string(),
        "a release whose version the inventory does not write, for --upgrade", in_ticks(name),
        "`muster diff` lists those that can be upgraded; a version that is written is changed there"));
  }
  return problems;
}

}  // namespace muster
