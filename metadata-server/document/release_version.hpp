// The order of release versions: what "the newest" means. Pure; thread-safe.
#pragma once

#include <string_view>

namespace muster {

// Negative: a is older; 0: equal; positive: a is newer. Runs of digits compare as numbers of any
// length, so 1.10 is newer than 1.9. "~" starts, and so does "-" before a letter, what is older
// than nothing at all: 1.36.0-rc.1 < 1.36.0 < 1.36.0-1.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

}  // namespace muster
