// The highest time that was believed (fleet/site_clock): kind "site", key "clock".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

void put_highest_time(std::int64_t unix_seconds, Transaction& transaction);
// Nothing: none was written yet, or it cannot be read.
[[nodiscard]] Result<std::optional<std::int64_t>> find_highest_time(const Store& store);

// For what a person makes that lasts for a time: counted from a clock that is ahead it would last
// as much longer, and a certificate would not be valid before. conflict, code clock_in_doubt, where
// `now` is ahead of the earliest that it can be; `what` is told.
[[nodiscard]] Result<void> check_clock(TimePoint now, TimePoint earliest, const std::string& what);

}  // namespace muster
