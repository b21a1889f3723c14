// Tables that people read: aligned by characters columns, an empty cell as "-", no colours, control
// characters of machines' own words escaped. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/utf8.hpp"  // printable()

namespace muster {

// printable(), of a reason that may have a line for each problem.
[[nodiscard]] std::string on_one_line(std::string text);

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;  // with the headings; ends in a newline

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace muster
