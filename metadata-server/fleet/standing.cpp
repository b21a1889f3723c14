#include "fleet/standing.hpp"

namespace muster {

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::never_enrolled:
      return "never-enrolled";
    case Standing::banned:
      return "banned";
    case Standing::reset:
      return "reset";
    case Standing::silent:
      return "silent";
    case Standing::failed:
      return "failed";
    case Standing::converging:
      return "converging";
    case Standing::pending:
      return "pending-changes";
    case Standing::converged:
      return "converged";
  }
  return "converging";
}

std::int64_t silent_after(const HeardMachine& heard) {
  constexpr std::int64_t longest_step = 300;
  const bool converges = !heard.report || heard.report->verdict == Verdict::converging;
  return converges ? longest_step : 3 * longest_poll(heard).count();
}

Standing standing_of(const HeardMachine& heard, const FoundMachine& machine,
                     std::string_view published, std::int64_t silence) {
  if (machine.ban) return Standing::banned;
  if (!machine.record.current) return Standing::never_enrolled;
  if (heard.report && heard.report->was_reset) return Standing::reset;
  if (heard.report && heard.report->is_stopping) return Standing::silent;
  if (silence > silent_after(heard)) return Standing::silent;
  if (!heard.report) return Standing::converging;
  const Report& report = *heard.report;
  // Agents before 0.3 tell one digest. Who has none yet has failed on the way to the first one.
  const std::string& newest =
      report.fetched_digest.empty() ? report.document_digest : report.fetched_digest;
  switch (report.verdict) {
    case Verdict::failed:
      return newest.empty() || newest == published ? Standing::failed : Standing::converging;
    case Verdict::pending_changes:
      return newest == published ? Standing::pending : Standing::converging;
    case Verdict::converged:
      return report.document_digest == published ? Standing::converged : Standing::converging;
    case Verdict::converging:
      break;
  }
  return Standing::converging;
}

std::uint64_t generation_in_force(const Report& report) {
  const bool is_newest =
      report.fetched_digest.empty() || report.document_digest == report.fetched_digest;
  return is_newest ? report.generation : 0;
}

}  // namespace muster
