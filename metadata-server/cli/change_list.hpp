// How changes of machines are shown: by diff, apply and revision diff alike. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace muster {

// "42 (sha256:...)"; of a server of before, the digest alone.
[[nodiscard]] std::string numbered(const nlohmann::json& answer, const std::string& cluster,
                                   const std::string& revision);
// Of an answer's "changes": a row per machine that changes, its differences below it, and how many
// do not; then what else an operator should know.
[[nodiscard]] std::string changes_text(const nlohmann::json& answer);

}  // namespace muster
