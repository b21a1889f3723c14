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

std::string span_text(std::int64_t seconds) {
  if (seconds >= 86400) return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
  if (seconds >= 3600) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  if (seconds >= 60) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

std::string ending_note(const std::string& cluster, std::int64_t seconds_left) {
  constexpr std::int64_t soon = 30LL * 60;
  if (seconds_left > soon) return {};
  return fmt::format("{0} ends in {1}; to keep it: muster cluster extend {0} --ttl 4h\n", cluster,
                     span_text(seconds_left));
}

}  // namespace muster
