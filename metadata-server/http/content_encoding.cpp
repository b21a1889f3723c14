#include "http/content_encoding.hpp"

#include <optional>
#include <string>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

constexpr std::string_view white = " \t";
constexpr std::string_view digits = "0123456789";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

bool is_same(std::string_view left, std::string_view right) {
  return lower_case(left) == lower_case(right);
}

// "q=0.5" (12.4.2): is it more than nothing? None: no weight.
std::optional<bool> read_weight(std::string_view text) {
  if (text.size() < 3 || !is_same(text.substr(0, 2), "q=")) return std::nullopt;
  const std::string_view whole = text.substr(2, 1), rest = text.substr(3);
  const std::string_view part = rest.empty() ? rest : rest.substr(1);
  const bool is_zero = part.find_first_not_of('0') == std::string_view::npos;
  const bool is_number = rest.empty() || (rest[0] == '.' && part.size() <= 3 &&
                                          part.find_first_not_of(digits) == std::string_view::npos);
  if (!is_number || (whole != "0" && (whole != "1" || !is_zero))) return std::nullopt;
  return whole == "1" || !is_zero;
}

}  // namespace

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  bool is_named = false;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                  : comma + 1);
    const auto semicolon = item.find(';');
    if (!is_same(trim(item.substr(0, semicolon)), coding)) continue;
    const auto weight = semicolon == std::string_view::npos
                            ? std::optional(true)
                            : read_weight(trim(item.substr(semicolon + 1)));
    if (!weight || !*weight) return false;
    is_named = true;
  }
  return is_named;
}

bool none_match_names(std::string_view if_none_match, std::string_view etag) {
  if (trim(if_none_match) == "*") return true;
  for (std::string_view rest = if_none_match;;) {
    const auto first = rest.find_first_not_of(" \t,");
    if (first == std::string_view::npos) return false;
    rest.remove_prefix(first);
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    const auto end = rest.starts_with('"') ? rest.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == etag) return true;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace muster
