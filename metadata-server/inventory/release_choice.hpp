// Which releases the machines of a cluster run: pinned versions, else the newest of the catalogue.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

// Chosen once per cluster; pointers into the catalogue.
class ReleaseChoice {
 public:
  // Adds a problem for each version that the catalogue lacks.
  ReleaseChoice(const Cluster& cluster, const std::vector<CatalogueEntry>& catalogue,
                std::vector<InventoryProblem>& problems);
  // In name order.
  [[nodiscard]] std::vector<ReleaseReference> for_role(Role role) const;
  // "" when the cluster does not have it.
  [[nodiscard]] std::string version_of(const std::string& name) const;

 private:
  void choose(const std::string& name, const Sourced<std::string>* pinned, const std::string& field,
              const Place& place, std::vector<InventoryProblem>& problems);

  std::map<std::string, std::vector<const CatalogueEntry*>> catalogue_;  // newest first
  std::map<std::string, const CatalogueEntry*> chosen_;
};

}  // namespace muster
