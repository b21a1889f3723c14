#include "cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster {

std::string printable(std::string_view text) {
  std::string safe;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe.push_back(character);
    }
  }
  return safe;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& heading : headings_) widths.push_back(heading.size());
  std::vector<std::vector<std::string>> shown = {headings_};
  for (const auto& row : rows_) {
    auto& line = shown.emplace_back();
    for (std::size_t at = 0; at < headings_.size(); ++at) {
      line.push_back(at < row.size() && !row[at].empty() ? printable(row[at]) : "-");
      widths[at] = std::max(widths[at], line.back().size());
    }
  }
  std::string text;
  for (const auto& row : shown) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      // The last column ends where its text ends.
      text += at + 1 == row.size() ? row[at] + "\n" : fmt::format("{:<{}}  ", row[at], widths[at]);
    }
  }
  return text;
}

}  // namespace muster
