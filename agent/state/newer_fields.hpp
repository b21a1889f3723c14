// What a newer program wrote into a JSON file that this one reads and writes again: kept, so that
// whoever is upgraded and put back loses nothing. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace muster {

// What stands in `found` and not in `known`, whatever depth it stands at: JSON pointer -> value.
[[nodiscard]] std::map<std::string, std::string> newer_fields(const nlohmann::json& found,
                                                              const nlohmann::json& known);
// Puts them where they were, for as long as what they belong to is there, and nothing else is in
// their place.
void put_back(const std::map<std::string, std::string>& newer, nlohmann::json& value);

}  // namespace muster
