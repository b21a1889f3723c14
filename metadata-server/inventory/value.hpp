// One YAML value with its place: what layers merge and what explain shows. Plain data.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/place.hpp"

namespace muster {

struct Value {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;
  bool quoted = false;                  // a quoted scalar is text even where it reads as a number
  std::vector<Value> items;             // list
  std::map<std::string, Value> fields;  // map; a field's place is its key's
  Place place;
  // Index into Layers::names of the layer that wrote it (inventory/layers.hpp).
  std::size_t layer = 0;

  // The field, or nullptr when this is no map, or has none, or it is null.
  [[nodiscard]] const Value* find(std::string_view key) const;
  // By a dotted path of map keys without dots in them: "kubelet.maxPods".
  [[nodiscard]] const Value* find_path(std::string_view path) const;
};

// As YAML 1.2 reads it: plain true/false, null and numbers are JSON's own, everything else is text.
[[nodiscard]] nlohmann::json to_json(const Value& value);

}  // namespace muster
