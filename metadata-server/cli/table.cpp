#include "cli/table.hpp"

#include <algorithm>

namespace muster {

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return printable(text);
}

namespace {

bool is_continuation(char character) {
  return (static_cast<unsigned char>(character) & 0xc0) == 0x80;
}

// Columns that a text takes: characters, not bytes of UTF-8.
std::size_t width_of(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

}  // namespace

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
