// Taints as JSON, for node documents and peer lists. Of this room only.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "document/json_object.hpp"
#include "document/taint.hpp"

namespace muster {

[[nodiscard]] nlohmann::json taints_to_json(const std::vector<Taint>& taints);
void read_taints(JsonObject& object, std::vector<Taint>& taints);  // the field "taints"

}  // namespace muster
