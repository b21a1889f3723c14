// JSON values as YAML that a person likes to read. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace muster {

using Json = nlohmann::ordered_json;  // what is rendered keeps the order in which it was written

// Block style, keys in the order they have; strings are quoted unless they cannot be read as
// anything else. `value` must be an object. Ends with a line break.
[[nodiscard]] std::string yaml_text(const Json& value);

}  // namespace muster
