// Reading the server's answers for tables: a missing field is an empty cell, never a crash.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/session.hpp"
#include "cli/table.hpp"

namespace muster {

// The text of a JSON pointer ("/report/verdict"); numbers and flags as text, lists joined by ", ".
[[nodiscard]] std::string cell(const nlohmann::json& row, const std::string& pointer);
// The list at `pointer`, or an empty one.
[[nodiscard]] const nlohmann::json& list_at(const nlohmann::json& answer,
                                            const std::string& pointer);
// The number at `pointer`; 0 where there is none.
[[nodiscard]] std::int64_t number_at(const nlohmann::json& row, const std::string& pointer);
// "2026-11-21 11:55:03 +05:45" of Unix seconds; "" for 0. Every time that a command prints for
// people is this.
[[nodiscard]] std::string time_text(const nlohmann::json& row, const std::string& pointer);

// Asks, then prints the answer as JSON or through `show`.
[[nodiscard]] Exit ask_and_show(Session& session, const std::string& method,
                                const std::string& path, const nlohmann::json& body,
                                const std::function<std::string(const nlohmann::json&)>& show);
void print(const std::string& text);
// Indented, with a newline at its end; never throws.
[[nodiscard]] std::string json_text(const nlohmann::json& value);

}  // namespace muster
