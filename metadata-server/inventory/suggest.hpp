// "did you mean": the nearest of the known names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muster {

// Changes of one letter (added, removed, replaced, two swapped), letter case for free.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);
// "did you mean 'podCidr'?", or "" when nothing is near (a third of the letters may differ).
[[nodiscard]] std::string did_you_mean(std::string_view found,
                                       const std::vector<std::string_view>& known);

}  // namespace muster
