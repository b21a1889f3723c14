#include "http/path_pattern.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace muster {
namespace {

std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);  // the slash
  const auto end = std::min(rest.find('/'), rest.size());
  const auto segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return segment;
}

std::optional<std::string> decode(std::string_view segment) {
  std::string decoded;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      decoded += segment[i];
      continue;
    }
    unsigned value = 0;
    const char* first = segment.data() + i + 1;
    if (segment.size() - i < 3 || std::from_chars(first, first + 2, value, 16).ptr != first + 2) {
      return std::nullopt;
    }
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

bool is_parameter(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c < 0x80 && std::isalnum(c) != 0) ||
                  std::string_view("._:@~-").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// Decoded; `path` begins with a slash.
std::optional<std::string> take_rest(std::string_view path) {
  if (path.starts_with("//")) path.remove_prefix(1);
  std::string rest;
  while (!path.empty()) {
    const auto segment = decode(take_segment(path));
    const bool is_folder = segment && segment->empty() && path.empty();
    if (!is_folder && (!segment || !is_parameter(*segment))) return std::nullopt;
    rest += *segment;
    if (!path.empty()) rest += '/';
  }
  return rest;
}

}  // namespace

bool takes_any_rest(std::string_view pattern) {
  return pattern.substr(pattern.rfind('/')).starts_with("/*");
}

std::optional<std::map<std::string, std::string>> match_path(std::string_view pattern,
                                                             std::string_view path) {
  std::map<std::string, std::string> parameters;
  while (!pattern.empty() && !path.empty()) {
    const auto expected = take_segment(pattern);
    if (expected.starts_with('*')) {
      auto rest = take_rest(path);
      if (!rest) return std::nullopt;
      parameters.emplace(expected.substr(1), std::move(*rest));
      return parameters;
    }
    const auto found = decode(take_segment(path));
    if (!found) return std::nullopt;
    if (!expected.starts_with(':')) {
      if (expected != *found) return std::nullopt;
    } else if (is_parameter(*found)) {
      parameters.emplace(expected.substr(1), *found);
    } else {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

}  // namespace muster
