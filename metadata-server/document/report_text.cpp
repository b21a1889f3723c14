#include "document/report_text.hpp"

#include <fmt/format.h>

#include "document/time_text.hpp"
#include "document/utf8.hpp"

namespace muster {
namespace {

constexpr std::size_t longest_part = 200;

std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() <= longest_part) return line;
  return std::string(cut_text(line, longest_part)) + "...";
}

std::string unwell_text(const std::vector<HealthProblem>& problems, std::int64_t now) {
  const HealthProblem& first = problems.front();
  // The time comes first: a message may end in a command.
  std::string text = fmt::format("unwell since {}: {} {}", short_utc_text(first.since, now),
                                 first.subject, first_line(first.message));
  if (problems.size() > 1) text += fmt::format(", and {} more", problems.size() - 1);
  return text;
}

std::string refused_text(const Report& report) {
  const RefusedDocument& refused = *report.refused_document;
  constexpr std::size_t enough_of_digest = 19;  // "sha256:" and twelve digits
  return fmt::format(
      "{} {}: {}",
      report.configuration == Configuration::fallen_back ? "fallen back from" : "refused",
      refused.digest.substr(0, enough_of_digest), first_line(refused.reason));
}

}  // namespace

bool is_well(const Report& report) {
  return report.verdict != Verdict::failed && report.unwell.empty() && !report.refused_document;
}

std::string in_short(const Report& report, std::int64_t now) {
  std::string text(name(report.verdict));
  if (!report.failure_class.empty()) text += fmt::format(" ({})", report.failure_class);
  if (!report.message.empty()) text += ": " + first_line(report.message);
  if (report.refused_document) text += ", " + refused_text(report);
  if (!report.unwell.empty()) text += ", " + unwell_text(report.unwell, now);
  return text;
}

}  // namespace muster
