// How changes of machines are shown: by diff, apply and revision diff alike. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace muster {

// Of an answer's "changes": a row per machine that changes, its differences below it, and how many
// do not.
[[nodiscard]] std::string changes_text(const nlohmann::json& answer);

}  // namespace muster
