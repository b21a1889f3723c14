#include "cli/time_span.hpp"

#include "document/time_text.hpp"

namespace muster {

std::optional<std::int64_t> time_span(const Session& session, const std::string& option,
                                      const std::string& text, const TimeLimits& limits) {
  const auto span = parse_duration(text);
  const auto least = parse_duration(limits.least), most = parse_duration(limits.most);
  if (span && least && most && (*span < *least || *span > *most)) {
    static_cast<void>(complain(
        session, {ErrorKind::invalid, fmt::format("{}: expected {} to {}, found '{}'", option,
                                                  limits.least, limits.most, text)}));
    return std::nullopt;
  }
  if (span) return span->count();
  static_cast<void>(complain(
      session,
      {ErrorKind::invalid,
       fmt::format("{}: expected a time such as 90s, 15m, 4h or 2d, found '{}'", option, text)}));
  return std::nullopt;
}

std::string ending_note(const std::string& cluster, std::int64_t seconds_left) {
  constexpr std::int64_t soon = 30LL * 60;
  if (seconds_left > soon) return {};
  // Past it, a cluster is there until its end was carried out, or while the clock is in doubt.
  const std::string when = seconds_left > 0
                               ? "ends in " + duration_text(std::chrono::seconds(seconds_left))
                               : "is past its end, which waits (`muster clock show`)";
  return fmt::format("{0} {1}; to keep it: muster cluster extend {0} --ttl 4h\n", cluster, when);
}

}  // namespace muster
