#include "document/taint_json.hpp"

namespace muster {

nlohmann::json taints_to_json(const std::vector<Taint>& taints) {
  nlohmann::json list = nlohmann::json::array();
  for (const Taint& taint : taints) {
    list.push_back({{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
  }
  return list;
}

void read_taints(JsonObject& object, std::vector<Taint>& taints) {
  object.objects("taints", [&](JsonObject& entry) {
    Taint& taint = taints.emplace_back();
    entry.text("key", taint.key);
    entry.text("value", taint.value);
    entry.text("effect", taint.effect);
  });
}

}  // namespace muster
