// The highest time that was believed (fleet/site_clock): kind "site", key "clock".
#pragma once

#include <cstdint>
#include <optional>

#include "store/store.hpp"

namespace muster {

void put_highest_time(std::int64_t unix_seconds, Transaction& transaction);
// Nothing: none was written yet, or it cannot be read.
[[nodiscard]] Result<std::optional<std::int64_t>> find_highest_time(const Store& store);

}  // namespace muster
