// Times as records and certificates keep them. Pure; thread-safe.
#pragma once

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

}  // namespace muster
