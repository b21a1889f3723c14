// A point in CLOCK_BOOTTIME after which waiting is over.
#pragma once

#include <algorithm>
#include <chrono>

#include "agent/host/host.hpp"

namespace muster {

class Deadline {
 public:
  Deadline(const Clock& clock, std::chrono::milliseconds from_now)
      : clock_(&clock), end_(clock.since_boot() + from_now) {}
  [[nodiscard]] std::chrono::milliseconds left() const {
    return std::max(
        std::chrono::milliseconds(0),
        std::chrono::duration_cast<std::chrono::milliseconds>(end_ - clock_->since_boot()));
  }
  [[nodiscard]] bool has_passed() const { return left().count() == 0; }

 private:
  const Clock* clock_;
  std::chrono::nanoseconds end_;
};

}  // namespace muster
