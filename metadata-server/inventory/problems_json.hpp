// Problems of an inventory as JSON has them, by the server and by the CLI alike.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "inventory/place.hpp"

namespace muster {

// [{"file", "line", "column", "field", "message"}]
[[nodiscard]] inline nlohmann::json problems_json(const std::vector<InventoryProblem>& problems) {
  auto rows = nlohmann::json::array();
  for (const auto& problem : problems) {
    rows.push_back({{"file", problem.file},
                    {"line", problem.line},
                    {"column", problem.column},
                    {"field", problem.field},
                    {"message", message(problem)}});
  }
  return rows;
}

}  // namespace muster
