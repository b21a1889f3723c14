#include "agent/host/notify.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <string>

namespace muster {

void notify_status(std::string_view line) {
  std::string one_line(line.substr(0, line.find('\n')));
  static_cast<void>(sd_notify(0, ("STATUS=" + one_line).c_str()));
}

void notify_ready() {
  static_cast<void>(sd_notify(0, "READY=1"));
}

void notify_alive(std::chrono::milliseconds next) {
  // Twenty seconds of slack: one HTTP call with its whole deadline fits between two signs of life.
  const auto extend =
      std::chrono::duration_cast<std::chrono::microseconds>(next + std::chrono::seconds(20));
  static_cast<void>(
      sd_notify(0, fmt::format("WATCHDOG=1\nEXTEND_TIMEOUT_USEC={}", extend.count()).c_str()));
}

}  // namespace muster
