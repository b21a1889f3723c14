// The machine's clocks. Thread-safe.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

class PosixClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::system_clock::time_point now() const override;
  [[nodiscard]] std::chrono::nanoseconds since_boot() const override;
  // Sleeps in slices of at most five seconds and tells systemd before each that it lives.
  void sleep(std::chrono::milliseconds duration) override;
};

}  // namespace muster
