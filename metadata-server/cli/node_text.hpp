// One machine for people: what it is, what it said last, what is wrong and how it is mended. Pure;
// nothing of the machine's own words is left unescaped.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace muster {

// Of an answer to GET nodes/CLUSTER/NODE.
[[nodiscard]] std::string node_text(const nlohmann::json& answer);
// Its last boot, and apart from it what it did last.
[[nodiscard]] std::string timeline_text(const nlohmann::json& answer);

}  // namespace muster
