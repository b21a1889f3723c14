// One YAML text -> value trees with places. The only file pair that knows yaml-cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/value.hpp"

namespace muster {

struct YamlFile {
  std::vector<Value> documents;  // empty ones left out
  std::vector<InventoryProblem> problems;
  std::vector<InventoryProblem> later;  // of rules that came later (later_rules.hpp)
  bool complete = true;                 // false: the rest of the file could not be read
};

// Reports every alias, tag, duplicate key, key that is no scalar and value below the depth limit;
// syntax errors and text that is not UTF-8 end the file. `values_left` is taken down by each value.
[[nodiscard]] YamlFile read_yaml(const std::string& file, const std::string& text,
                                 std::size_t& values_left);

}  // namespace muster
