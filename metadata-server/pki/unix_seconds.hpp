// Times as records and certificates keep them. Pure; thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "pki/certificate.hpp"

namespace muster {

// Whole seconds since 1970-01-01 in UTC.
[[nodiscard]] inline std::int64_t unix_seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

[[nodiscard]] inline std::int64_t unix_microseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

inline constexpr std::int64_t microseconds_per_second = 1'000'000;

// The clock counts nanoseconds in 64 bits, which end in 2262, and calendars go to 9999: what
// somebody else wrote becomes the nearest time from 1970 to 2200, to and from which years can be
// reckoned.
[[nodiscard]] inline TimePoint to_time_point(std::chrono::sys_seconds time) {
  using namespace std::chrono;
  return std::clamp<sys_seconds>(time, sys_seconds{}, sys_days(year(2200) / 1 / 1));
}

}  // namespace muster
