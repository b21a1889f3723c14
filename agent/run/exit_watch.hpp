// Whether a unit exits again and again while it is waited for: its start was no failure, and
// systemd starts it anew each time.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "agent/run/failure.hpp"

namespace muster {

class ExitWatch {
 public:
  explicit ExitWatch(std::vector<std::string> units) : units_(std::move(units)) {}

  // The first unit that systemd has restarted three times since the first look, as a failure of its
  // class. Asks systemd at most once a second.
  [[nodiscard]] std::optional<Failure> look(const Host& host);

 private:
  std::vector<std::string> units_;
  std::map<std::string, std::uint32_t> first_;
  std::chrono::nanoseconds next_{0};  // CLOCK_BOOTTIME
};

// A unit whose start was no failure, and which does not run.
[[nodiscard]] Failure unit_failure(const std::string& unit, std::string_view what);
[[nodiscard]] Failure exit_failure(const std::string& unit, std::size_t exits);

}  // namespace muster
