// Which releases the machines of a cluster run: pinned versions, else the newest of the catalogue.
// Kubernetes is two releases where the catalogue has both in the wanted version, else the one that
// they were before: what compiled on an older store compiles to the same documents.
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
  void choose_kubernetes(const Sourced<std::string>& version,
                         std::vector<InventoryProblem>& problems);
  [[nodiscard]] std::string whole_versions() const;
  [[nodiscard]] bool has(const std::string& name, const std::string& version) const;
  void choose(const std::string& name, const Sourced<std::string>* pinned, const std::string& field,
              const Place& place, std::vector<InventoryProblem>& problems);

  std::map<std::string, std::vector<const CatalogueEntry*>> catalogue_;  // newest first
  std::map<std::string, const CatalogueEntry*> chosen_;
};

}  // namespace muster
