// Releases of a cluster whose files the server has not all got: a warning wherever an inventory is
// looked at with what the server knows. It is no reason to refuse: a restored site applies its
// folder first, and what machines have already is not fetched again.
#pragma once

#include <vector>

#include "inventory/load.hpp"
#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

// `releases`: those that it runs, with how many files are missing.
[[nodiscard]] std::vector<InventoryProblem> missing_files(
    const Cluster& cluster, const std::vector<CatalogueEntry>& releases);

}  // namespace muster
