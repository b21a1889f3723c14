#include "cli/time_span.hpp"

namespace muster {

namespace {

std::int64_t seconds_of(const std::string& text) {
  std::size_t used = 0;
  long value = 0;
  try {
    value = std::stol(text, &used);
  } catch (const std::exception&) {
    return 0;
  }
  const std::string unit = text.substr(used);
  if (value <= 0 || value > 10L * 365 * 86400) return 0;
  if (unit == "s" || unit.empty()) return value;
  if (unit == "m") return value * 60;
  if (unit == "h") return value * 3600;
  if (unit == "d") return value * 86400;
  return 0;
}

}  // namespace

std::optional<std::int64_t> time_span(const Session& session, const std::string& option,
                                      const std::string& text) {
  const std::int64_t seconds = seconds_of(text);
  if (seconds > 0) return seconds;
  static_cast<void>(complain(
      session,
      {ErrorKind::invalid,
       fmt::format("{}: expected a time such as 90s, 15m, 4h or 2d, found '{}'", option, text)}));
  return std::nullopt;
}

}  // namespace muster
