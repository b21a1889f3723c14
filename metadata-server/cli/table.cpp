#include "cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster {

namespace {

bool is_continuation(char character) {
  return (static_cast<unsigned char>(character) & 0xc0) == 0x80;
}

// Columns that a text takes: characters, not bytes of UTF-8.
std::size_t width_of(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

// U+0000..1F, U+7F, U+80..9F, U+202A..202E, U+2066..2069, as UTF-8.
bool is_dangerous(std::string_view character) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(character[at]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) >= 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && is_continuation(text[length])) ++length;
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(length);
    if (!is_dangerous(character)) {
      safe += character;
      continue;
    }
    for (const char byte : character) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return safe;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& heading : headings_) widths.push_back(width_of(heading));
  std::vector<std::vector<std::string>> shown = {headings_};
  for (const auto& row : rows_) {
    auto& line = shown.emplace_back();
    for (std::size_t at = 0; at < headings_.size(); ++at) {
      line.push_back(at < row.size() && !row[at].empty() ? printable(row[at]) : "-");
      widths[at] = std::max(widths[at], width_of(line.back()));
    }
  }
  std::string text;
  for (const auto& row : shown) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      text += row[at];
      // The last column ends where its text ends.
      text += at + 1 == row.size() ? "\n" : std::string(widths[at] - width_of(row[at]) + 2, ' ');
    }
  }
  return text;
}

}  // namespace muster
