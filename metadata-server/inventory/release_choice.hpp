// Which releases the machines of a cluster run: the versions that the inventory writes, else those
// that the cluster has already (SiteFacts.pins), else the newest of the catalogue. So a release
// that is imported moves no cluster that is published; SiteFacts.upgrades does. Kubernetes is two
// releases where the catalogue has both in the wanted version, else the one that they were before:
// what compiled on an older store compiles to the same documents.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

// A newer version that the cluster does not take by itself.
struct ReleaseUpgrade {
  std::string name;
  std::string from;  // "" where the cluster does without it
  std::string to;
};

// Chosen once per cluster; pointers into the catalogue.
class ReleaseChoice {
 public:
  // `images`: releases that machines start by (netboot_images). Adds a problem for each version
  // that the catalogue lacks. `facts` outlive it.
  ReleaseChoice(const Cluster& cluster, const SiteFacts& facts,
                const std::map<std::string, Place>& images,
                std::vector<InventoryProblem>& problems);
  // Whether SiteFacts.upgrades may name this release: the cluster has it, and the inventory does
  // not write its version.
  [[nodiscard]] static bool is_free(const Cluster& cluster, const std::string& name);

  // In name order.
  [[nodiscard]] std::vector<CatalogueEntry> all() const;
  // What a wider SiteFacts.upgrades would change, in name order.
  [[nodiscard]] std::vector<ReleaseUpgrade> offers(const Cluster& cluster) const;
  // In name order; without images, which no machine installs.
  [[nodiscard]] std::vector<ReleaseReference> for_role(Role role) const;
  // nullopt when the cluster does not have it.
  [[nodiscard]] std::optional<ReleaseReference> find(const std::string& name) const;
  // "" when the cluster does not have it.
  [[nodiscard]] std::string version_of(const std::string& name) const;

 private:
  void choose_unwritten(const std::string& name, const Place& place,
                        std::vector<InventoryProblem>& problems);
  void choose_kubernetes(const Sourced<std::string>& version,
                         std::vector<InventoryProblem>& problems);
  [[nodiscard]] std::string whole_versions() const;
  [[nodiscard]] bool has(const std::string& name, const std::string& version) const;
  [[nodiscard]] bool keeps_whole(const std::string& version) const;
  [[nodiscard]] bool is_upgraded(const std::string& name) const;
  void choose(const std::string& name, const Sourced<std::string>* pinned, const std::string& field,
              const Place& place, std::vector<InventoryProblem>& problems, const std::string& cure);

  const SiteFacts& facts_;
  std::map<std::string, std::vector<const CatalogueEntry*>> catalogue_;  // newest first
  std::map<std::string, const CatalogueEntry*> chosen_;
};

}  // namespace muster
