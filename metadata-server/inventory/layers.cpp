#include "inventory/layers.hpp"

#include "inventory/schema.hpp"

namespace muster {

namespace {

void mark(Value& value, std::size_t layer) {
  value.layer = layer;
  for (Value& item : value.items) mark(item, layer);
  for (auto& [name, field] : value.fields) mark(field, layer);
}

// The defaults that the field table names, as the lowest layer.
Value make_defaults() {
  constexpr std::string_view root = "Settings.";
  Value defaults;
  defaults.kind = Value::Kind::map;
  for (const Field& field : field_table()) {
    const bool applies = field.path.starts_with(root) && !field.default_text.empty() &&
                         field.path.find('[') == std::string_view::npos;
    if (!applies) continue;
    Value* at = &defaults;
    std::string_view rest = field.path.substr(root.size());
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      at = &at->fields[std::string(rest.substr(0, dot))];
      at->kind = Value::Kind::map;
      rest.remove_prefix(dot + 1);
    }
    Value& leaf = at->fields[std::string(rest)];
    leaf.kind = Value::Kind::scalar;
    leaf.scalar = field.default_text;
  }
  return defaults;
}

}  // namespace

void lay_over(Value& lower, const Value& upper, std::size_t layer) {
  if (upper.kind == Value::Kind::null) return;
  if (lower.kind != Value::Kind::map || upper.kind != Value::Kind::map) {
    lower = upper;
    mark(lower, layer);
    return;
  }
  lower.place = upper.place;
  lower.layer = layer;
  for (const auto& [name, field] : upper.fields) {
    if (field.kind != Value::Kind::null) lay_over(lower.fields[name], field, layer);
  }
}

Layers merge_layers(const Inventory& inventory, const Cluster& cluster, const Node& node) {
  static const Value defaults = make_defaults();
  Layers layers{{"default"}, defaults};
  for (const auto* profiles : {&cluster.profiles, &node.profiles}) {
    for (const Sourced<std::string>& name : *profiles) {
      const auto profile = inventory.profiles.find(name.value);
      if (profile == inventory.profiles.end()) continue;
      layers.names.push_back("profile " + name.value);
      lay_over(layers.settings, profile->second.settings, layers.names.size() - 1);
    }
  }
  layers.names.push_back(node.pool.empty() ? "node " + node.name.value : "pool " + node.pool);
  lay_over(layers.settings, node.overrides, layers.names.size() - 1);
  return layers;
}

}  // namespace muster
