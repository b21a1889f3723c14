#include "document/time_text.hpp"

#include <doctest/doctest.h>
#include <time.h>

#include <cstdlib>
#include <limits>

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE("a time is written as RFC 3339 in UTC, and read again") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(1'795'241'403) == "2026-11-21T06:10:03Z");
  CHECK(utc_text(std::chrono::system_clock::from_time_t(951'782'400) + 999ms) ==
        "2000-02-29T00:00:00Z");
  CHECK(utc_text(253'402'300'799) == "9999-12-31T23:59:59Z");
  CHECK(utc_text(253'402'300'800) == "253402300800 s after 1970");
  CHECK(utc_text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808 s after 1970");
  for (const std::int64_t time : {0L, 951'782'400L, 1'795'241'403L, 253'402'300'799L})
    CHECK(parse_utc(utc_text(time))->time_since_epoch().count() == time);
  CHECK(parse_utc("2026-11-21T06:10:03.282260Z")->time_since_epoch().count() == 1'795'241'403);
}

TEST_CASE("today's time is told without its date") {
  constexpr std::int64_t now = 1'795'241'403;
  CHECK(short_utc_text(now - 60, now) == "06:09 UTC");
  CHECK(short_utc_text(now - 86'400, now) == "2026-11-20 06:10 UTC");
  for (const std::int64_t time :
       {std::int64_t{0}, std::int64_t{-1}, now * 9, std::numeric_limits<std::int64_t>::max()}) {
    CHECK(short_utc_text(time, now) == "an unknown time");
  }
}

TEST_CASE("what is no time in UTC is nothing") {
  for (const char* text :
       {"", "yesterday", "2026-11-21", "2026-11-21T06:10:03", "2026-11-21 06:10:03Z",
        "2026-11-21T06:10:03+00:00", "2026-13-21T06:10:03Z", "2026-02-29T06:10:03Z",
        "2026-11-21T24:10:03Z", "2026-11-21T06:60:03Z", "2026-11-21T06:10:61Z",
        "2026-11-21T06:10:03.Z", "2026-11-21T06:10:03.1234567890Z", "2026-11-21T06:10:03.1x2Z",
        "-026-11-21T06:10:03Z", "2026-11-21T+6:10:03Z", "2026-11-21T06:10:03Zx"})
    CHECK_MESSAGE(!parse_utc(text), text);
}

TEST_CASE("tables have the reader's own time zone") {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TZ", "KTM-5:45", 1);
  tzset();
  CHECK(local_text(1'795'241'403) == "2026-11-21 11:55:03 +05:45");
  CHECK(local_text(0).empty());
  CHECK(local_text(std::numeric_limits<std::int64_t>::max()).empty());
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  tzset();
}

TEST_CASE("a span of time is a number and its unit") {
  CHECK(parse_duration("90s") == 90s);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("4h") == 4h);
  CHECK(parse_duration("3650d") == 24h * 3650);
  for (const char* text : {"", "s", "4", "0h", "04h", "-4h", "+4h", " 4h", "4 h", "4h ", "4.5h",
                           "4H", "4w", "4hh", "3651d", "315360001s", "99999999999999999999s"})
    CHECK_MESSAGE(!parse_duration(text), text);
}

TEST_CASE("a span of time is told by its two largest parts") {
  CHECK(duration_text(9s) == "9s");
  CHECK(duration_text(250s) == "4m 10s");
  CHECK(duration_text(3h + 10min + 59s) == "3h 10m");
  CHECK(duration_text(49h + 59min) == "2d 1h");
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(-5s) == "-5s");
}
