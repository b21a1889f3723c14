// What a machine does when its cluster has ended (session/tombstone.hpp).
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "agent/host/host.hpp"
#include "agent/session/tombstone.hpp"

namespace muster {

// Does what it says. `is_news`: it came just now; else a machine that is to switch itself off waits
// first, so that whoever switched it on can log in and reset it. Safe to repeat. An error: the
// order was not taken, to be tried again.
[[nodiscard]] Result<void> obey(const Tombstone& tombstone, bool is_news, Host& host,
                                const std::function<void(std::string_view)>& narrate);
inline constexpr std::chrono::minutes time_to_log_in{2};

}  // namespace muster
