#include "inventory/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "document/field_syntax.hpp"

namespace muster {

namespace {

// Nobody mistypes a name this long, and the distance costs the product of both lengths.
constexpr std::size_t longest_name = 64;

}  // namespace

std::size_t edit_distance(std::string_view one, std::string_view other) {
  const std::string left = lower_case(one), right = lower_case(other);
  // Optimal string alignment: three rows are enough.
  std::vector<std::size_t> before(right.size() + 1), last(right.size() + 1), row(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column) last[column] = column;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replace = left[i - 1] == right[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + replace});
      const bool swapped =
          i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[right.size()];
}

std::string did_you_mean(std::string_view found, const std::vector<std::string_view>& known) {
  if (found.empty() || found.size() > longest_name) return {};
  std::size_t best = std::numeric_limits<std::size_t>::max();
  std::string_view nearest;
  for (const std::string_view name : known) {
    if (name.size() > longest_name) continue;
    const std::size_t distance = edit_distance(found, name);
    if (distance >= best || distance > std::max<std::size_t>(1, name.size() / 3)) continue;
    best = distance;
    nearest = name;
  }
  return nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest);
}

}  // namespace muster
