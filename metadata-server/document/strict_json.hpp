// The one way JSON from outside becomes a value: nlohmann's parser alone accepts any depth and the
// last of two equal keys, so both are refused while it builds. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "result/result.hpp"

namespace muster {

struct JsonLimits {
  std::size_t size = 1u << 20;  // bytes
  std::size_t depth = 32;       // nested objects and lists
};

// RFC 8259 JSON in UTF-8, no comments. kind invalid: `what` ("enrol request") with the first syntax
// error and its byte, or every duplicate key and too-deep place as JSON pointers; exhausted: more
// bytes than the limit.
[[nodiscard]] Result<nlohmann::json> parse_strict_json(std::string_view what, std::string_view text,
                                                       const JsonLimits& limits = {});

// Keys sorted by byte, no white space, UTF-8 unescaped; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string canonical_text(const nlohmann::json& value);

// canonical_text of a text alone: for large texts that are put together by hand.
[[nodiscard]] std::string json_string(std::string_view text);
void append_json_string(std::string& out, std::string_view text);

// The text at a field of somebody else's object (Kubernetes'); empty where it is absent or no text.
[[nodiscard]] std::string text_at(const nlohmann::json& object, const char* field);

}  // namespace muster
