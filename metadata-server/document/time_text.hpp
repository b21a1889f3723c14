// Times and spans of time as text: RFC 3339 in formats, journals and errors, the reader's own time
// zone in tables, spans as people write them. Pure but for the time zone; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

// "2026-11-21T06:10:03Z" of Unix seconds; what lies beyond the year 9999 is told in seconds.
[[nodiscard]] std::string utc_text(std::int64_t unix_seconds);
[[nodiscard]] std::string utc_text(std::chrono::system_clock::time_point time);
// Such a text, also with a fraction of a second, which is dropped; nothing for anything else.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_utc(std::string_view text);

// "14:02 UTC", with the date on another day than `now`; both are Unix seconds. What is no time of a
// machine that is told of now (none, or a century ahead) is "an unknown time".
[[nodiscard]] std::string short_utc_text(std::int64_t unix_seconds, std::int64_t now);

// "2026-11-21 06:10:03 UTC", "2026-11-21 11:55:03 +05:45": in the time zone of whoever reads it,
// which it names, since the server's own words are of UTC; "" for 0.
[[nodiscard]] std::string local_text(std::int64_t unix_seconds);

// "90d", "12h", "30m", "90s", up to 3650 days; nothing for anything else.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// "3h 10m", "4m 10s", "9s": its two largest parts.
[[nodiscard]] std::string duration_text(std::chrono::seconds span);

}  // namespace muster
