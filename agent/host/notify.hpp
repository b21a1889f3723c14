// What the agent tells systemd about itself (sd_notify(3)); no-ops outside a unit. Thread-safe.
#pragma once

#include <chrono>
#include <string_view>

namespace muster {

// STATUS=: one line for `systemctl status`, also printed to the journal's console by the caller.
void notify_status(std::string_view line);
// READY=1, once there is a verdict.
void notify_ready();
// WATCHDOG=1 and EXTEND_TIMEOUT_USEC: still working, ask again after `next` at the earliest, which
// with the slack of 20 s must be less than the unit's WatchdogSec (60). Whoever waits longer than
// that calls it again and again while there is time, and not when something has come: what does not
// come must not silence the agent. `Clock::sleep` and `Network::download` do, every 5 s.
void notify_alive(std::chrono::milliseconds next = std::chrono::seconds(5));

}  // namespace muster
