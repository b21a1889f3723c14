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

constexpr std::size_t longest_text = 128;

// What is no escape is itself: whoever fills a serial number into a URL may not encode it.
std::string decode_leniently(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape = text[i] == '%' ? decode(text.substr(i, 3)) : std::nullopt;
    decoded += escape ? *escape : std::string(1, text[i]);
    if (escape) i += 2;
  }
  return decoded;
}

bool is_free_text(std::string_view text) {
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (text.empty() || text.size() > longest_text || has_control) return false;
  // Nobody makes a file's path of it; nobody shall begin to.
  const std::string bounded = '/' + std::string(text) + '/';
  return bounded.find("/./") == std::string::npos && bounded.find("/../") == std::string::npos;
}

// As many segments as leave one for each that `pattern` goes on with.
std::optional<std::string> take_free_text(std::string_view pattern, std::string_view& path) {
  const auto behind = std::count(pattern.begin(), pattern.end(), '/');
  const auto there = std::count(path.begin(), path.end(), '/');
  const auto taken = takes_any_rest(pattern) ? 1 : there - behind;
  if (taken < 1) return std::nullopt;
  const std::string_view from = path;
  for (auto i = taken; i > 0; --i) take_segment(path);
  std::string text = decode_leniently(from.substr(1, from.size() - path.size() - 1));
  if (!is_free_text(text)) return std::nullopt;
  return text;
}

// Decoded; `path` begins with a slash.
std::optional<std::string> take_rest(std::string_view path) {
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
  return !pattern.empty() && pattern.substr(pattern.rfind('/')).starts_with("/*");
}

std::string one_slash_each(std::string_view path) {
  std::string single;
  for (const char c : path)
    if (c != '/' || !single.ends_with('/')) single += c;
  return single;
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
    if (expected.starts_with('+')) {
      auto text = take_free_text(pattern, path);
      if (!text) return std::nullopt;
      parameters.emplace(expected.substr(1), std::move(*text));
      continue;
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
