// The templates that clusters are made from: kind "template", by name. A cluster keeps the files it
// was made from, so a template may change or go at any time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/load.hpp"
#include "publish/publish.hpp"
#include "store/store.hpp"

namespace muster {

struct Template {
  std::string name;
  InventoryFiles files;
  std::string set_by;  // "operator anna"
  std::int64_t set_at = 0;
};

// Replaces one of that name. invalid with every problem: no sound inventory, or no template.
[[nodiscard]] Published<void> set_template(Store& store, const Template& made, TimePoint now);
// not_found, with the cure.
[[nodiscard]] Result<Template> find_template(const Store& store, const std::string& name);
[[nodiscard]] Result<Template> parse_template(std::string_view json);
// Without those that cannot be read (fleet/unread_records).
[[nodiscard]] Result<std::vector<Template>> list_templates(const Store& store);
// not_found. Clusters that were made from it stay; one that cannot be read goes too.
[[nodiscard]] Result<void> remove_template(Store& store, const std::string& name, TimePoint now,
                                           const std::string& by);

}  // namespace muster
