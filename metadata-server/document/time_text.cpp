#include "document/time_text.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

using namespace std::chrono;

constexpr std::int64_t end_of_year_9999 = 253'402'300'799;

// -1 where something else than digits stands there.
int number_in(std::string_view text, std::size_t at, std::size_t size) {
  int value = -1;
  const auto part = text.substr(at, size);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  return error == std::errc{} && end == part.data() + part.size() ? value : -1;
}

bool has_marks(std::string_view text) {
  constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd";
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const bool is_digit = text[at] >= '0' && text[at] <= '9';
    if (pattern[at] == 'd' ? !is_digit : text[at] != pattern[at]) return false;
  }
  return true;
}

// "Z", ".282260Z"
bool is_end(std::string_view text) {
  if (text == "Z") return true;
  return text.size() >= 3 && text.size() <= 11 && text.front() == '.' && text.back() == 'Z' &&
         text.substr(1, text.size() - 2).find_first_not_of("0123456789") == std::string_view::npos;
}

// "UTC", "+05:45"
std::string zone_text(long seconds_east) {
  if (seconds_east == 0) return "UTC";
  const long minutes_off = (seconds_east < 0 ? -seconds_east : seconds_east) / 60;
  return fmt::format("{}{:02}:{:02}", seconds_east < 0 ? '-' : '+', minutes_off / 60,
                     minutes_off % 60);
}

}  // namespace

std::string utc_text(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > end_of_year_9999) {
    return fmt::format("{} s after 1970", unix_seconds);
  }
  const sys_seconds time{seconds(unix_seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string utc_text(system_clock::time_point time) {
  return utc_text(floor<seconds>(time).time_since_epoch().count());
}

std::string short_utc_text(std::int64_t unix_seconds, std::int64_t now) {
  constexpr std::int64_t day = 86'400;
  const std::int64_t latest = std::min(now + std::int64_t{100} * 365 * day, end_of_year_9999);
  if (unix_seconds <= 0 || unix_seconds > latest) {
    return "an unknown time";
  }
  const std::string text = utc_text(unix_seconds);
  const std::string clock = text.substr(11, 5) + " UTC";
  return unix_seconds / day == now / day ? clock : text.substr(0, 10) + " " + clock;
}

std::optional<sys_seconds> parse_utc(std::string_view text) {
  constexpr std::size_t marks = 19;
  if (text.size() <= marks || !has_marks(text) || !is_end(text.substr(marks))) return std::nullopt;
  const year_month_day date(year(number_in(text, 0, 4)),
                            month(static_cast<unsigned>(number_in(text, 5, 2))),
                            day(static_cast<unsigned>(number_in(text, 8, 2))));
  const hours hour(number_in(text, 11, 2));
  const minutes minute(number_in(text, 14, 2));
  const seconds second(number_in(text, 17, 2));
  // RFC 3339 5.7: 60 is a leap second.
  const bool is_time = hour < hours(24) && minute < minutes(60) && second <= seconds(60);
  if (!date.ok() || !is_time) return std::nullopt;
  return sys_days(date) + hour + minute + second;
}

std::string local_text(std::int64_t unix_seconds) {
  const time_t time = unix_seconds;
  tm parts = {};
  if (unix_seconds == 0 || localtime_r(&time, &parts) == nullptr) return {};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     zone_text(parts.tm_gmtoff));
}

std::optional<seconds> parse_duration(std::string_view text) {
  if (text.size() < 2 || text.front() < '1' || text.front() > '9') return {};
  constexpr seconds longest = hours(24 * 3650);
  const char* last = text.data() + text.size() - 1;
  std::int64_t count = 0;
  const auto read = std::from_chars(text.data(), last, count);
  if (read.ec != std::errc() || read.ptr != last || count > longest.count()) return {};
  seconds unit(0);
  if (*last == 's') unit = seconds(1);
  if (*last == 'm') unit = minutes(1);
  if (*last == 'h') unit = hours(1);
  if (*last == 'd') unit = hours(24);
  const seconds span = count * unit;
  if (span <= seconds(0) || span > longest) return {};
  return span;
}

std::string duration_text(seconds span) {
  const hh_mm_ss clock(span);
  const auto hour = clock.hours().count();
  if (hour >= 24) return fmt::format("{}d {}h", hour / 24, hour % 24);
  if (hour >= 1) return fmt::format("{}h {}m", hour, clock.minutes().count());
  if (span >= minutes(1))
    return fmt::format("{}m {}s", clock.minutes().count(), clock.seconds().count());
  return fmt::format("{}s", span.count());
}

}  // namespace muster
