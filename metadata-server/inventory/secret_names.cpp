#include "inventory/secret_names.hpp"

namespace muster {

void add_secret_names(const Value& value, std::set<std::string>& names) {
  if (const Value* name = value.find("secretRef")) names.insert(name->scalar);
  for (const Value& item : value.items) add_secret_names(item, names);
  for (const auto& [key, field] : value.fields) add_secret_names(field, names);
}

std::set<std::string> secret_names_of(const Inventory& inventory, const std::string& cluster) {
  std::set<std::string> names, layers;
  const auto add_layers = [&](const auto& profiles) {
    for (const auto& profile : profiles) layers.insert(profile.value);
  };
  const auto found = inventory.clusters.find(cluster);
  if (found != inventory.clusters.end()) add_layers(found->second.profiles);
  for (const Node* node : nodes_of(inventory, cluster)) {
    add_layers(node->profiles);
    add_secret_names(node->overrides, names);
  }
  for (const NodePool* pool : pools_of(inventory, cluster)) {
    add_layers(pool->profiles);
    add_secret_names(pool->overrides, names);
  }
  for (const auto& [name, profile] : inventory.profiles)
    if (layers.contains(name)) add_secret_names(profile.settings, names);
  return names;
}

}  // namespace muster
