// What was found where, for people and for scripts. The token is never shown. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agent/run/settings.hpp"

namespace muster {

// One line per field with its value and place, one per place with what it said, and the failure.
[[nodiscard]] std::string settings_text(const SettingsView& view);
[[nodiscard]] nlohmann::json settings_json(const SettingsView& view);

}  // namespace muster
