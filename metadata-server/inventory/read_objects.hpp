// Validated value trees -> objects. Pure. Fields that the validator took out stay unset: no place.
#pragma once

#include <vector>

#include "inventory/load.hpp"

namespace muster {

// Written by the operator (or in an object that was), not a default and not taken out.
template <class T>
[[nodiscard]] bool is_set(const Sourced<T>& field) {
  return field.place.file != nullptr;
}

// Adds problems that the field table cannot say: an addon without a manifest, a host that the mode
// does not want. `files`: for manifestFile.
[[nodiscard]] Cluster read_cluster(const Value& document, const InventoryFiles& files,
                                   std::vector<InventoryProblem>& problems);
[[nodiscard]] Profile read_profile(const Value& document);
[[nodiscard]] Node read_node(const Value& document);
[[nodiscard]] NodePool read_node_pool(const Value& document);

// What an addon's manifestFile fields name, before anything is validated.
void collect_manifest_files(const Value& document, std::vector<std::string>& files);

}  // namespace muster
