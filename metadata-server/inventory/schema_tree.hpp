// The field table as a tree: what the validator walks beside a value and the JSON Schema is printed
// from.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/schema.hpp"

namespace muster {

struct SchemaNode {
  const Field* field = nullptr;  // nullptr at a kind's root: an object
  // In table order.
  std::vector<std::pair<std::string, const SchemaNode*>> children;
  const SchemaNode* item = nullptr;       // of a list
  const SchemaNode* map_value = nullptr;  // of a map
  [[nodiscard]] const SchemaNode* child(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> child_names() const;
};

// "Cluster", "Profile", "Node", "NodePool", "Settings" or "Image"; Profile.spec and the overrides
// of Node and NodePool hold the children of Settings. nullptr for another name. Built once;
// thread-safe.
[[nodiscard]] const SchemaNode* schema_of(std::string_view kind);
// Those of an inventory.
[[nodiscard]] const std::vector<std::string_view>& kinds();
// The default of a field by its path in the table; "" where it has none.
[[nodiscard]] std::string_view default_of(std::string_view path);

}  // namespace muster
