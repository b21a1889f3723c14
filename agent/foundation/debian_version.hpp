// The order of Debian's versions, without a process: deb-version(7), "Sorting algorithm". Pure.
#pragma once

#include <string_view>

namespace muster {

// [EPOCH:]UPSTREAM[-REVISION]. Below 0: `one` is older; 0: alike; above 0: newer.
[[nodiscard]] int compare_debian_versions(std::string_view one, std::string_view other);

}  // namespace muster
