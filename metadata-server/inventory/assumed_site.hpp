// A site as a cluster would find it at its first publication, for who looks without a server:
// authorities, secrets and members of pools that are made up. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

// Each pool has one member, one of masters as many as the cluster starts with.
[[nodiscard]] SiteFacts assumed_site(const Inventory& inventory, const std::string& cluster,
                                     std::vector<CatalogueEntry> catalogue);

}  // namespace muster
