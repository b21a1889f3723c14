// A time as people write it on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/session.hpp"

namespace muster {

// What the server takes, as it is written: {"1m", "24h"}.
struct TimeLimits {
  std::string least, most;
};

// "90s", "15m", "4h", "2d" -> seconds; says what is wrong with `option` and gives nothing for
// anything else, and for a time outside of `limits`.
[[nodiscard]] std::optional<std::int64_t> time_span(const Session& session,
                                                    const std::string& option,
                                                    const std::string& text,
                                                    const TimeLimits& limits = {"1s", "3650d"});

// For a cluster on demand that ends within half an hour: a line that says so, and the cure. Else
// "".
[[nodiscard]] std::string ending_note(const std::string& cluster, std::int64_t seconds_left);

}  // namespace muster
