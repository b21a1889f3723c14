// What the agent tells systemd about itself (sd_notify(3)); no-ops outside a unit. Thread-safe.
#pragma once

#include <chrono>
#include <string_view>

namespace muster {

// STATUS=: one line for `systemctl status`, also printed to the journal's console by the caller.
void notify_status(std::string_view line);
// READY=1, once there is a verdict.
void notify_ready();
// WATCHDOG=1 and EXTEND_TIMEOUT_USEC: still working, ask again after `next` at the earliest.
void notify_alive(std::chrono::milliseconds next = std::chrono::seconds(5));

}  // namespace muster
