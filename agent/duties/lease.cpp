#include "agent/duties/lease.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "document/time_text.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {

std::string record_of(const LeaseView& lease) {
  return fmt::format("{} {} {}", lease.resource_version, lease.holder, lease.renewed);
}

SeenLease look_at_lease(const LeaseView& lease, const std::optional<SeenLease>& seen,
                        std::chrono::seconds since_boot) {
  const std::string record = record_of(lease);
  if (seen && seen->record == record && seen->since <= since_boot) return *seen;
  return {record, since_boot};
}

std::string to_text(const SeenLease& seen) {
  return fmt::format("{} {}\n", seen.since.count(), seen.record);
}

std::optional<SeenLease> parse_seen_lease(std::string_view text) {
  std::int64_t since = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), since);
  const auto space = text.find(' ');
  if (read.ec != std::errc() || space == std::string_view::npos || !text.ends_with('\n')) {
    return std::nullopt;
  }
  return SeenLease{std::string(text.substr(space + 1, text.size() - space - 2)),
                   std::chrono::seconds(since)};
}

LeaseStep next_lease_step(const std::optional<LeaseView>& lease, std::string_view machine,
                          std::chrono::system_clock::time_point now,
                          std::chrono::seconds unchanged_for) {
  if (!lease || lease->holder.empty()) return LeaseStep::take;
  if (lease->holder != machine) {
    return unchanged_for > lease_duration ? LeaseStep::take : LeaseStep::leave;
  }
  const auto renewed = parse_utc(lease->renewed);  // whole seconds are exact enough
  if (!renewed) return LeaseStep::renew;
  // Its own clock may have been set back since.
  const auto age = now - to_time_point(*renewed);
  const bool is_young = age <= lease_renewal && age > -lease_clock_slack;
  return is_young && unchanged_for <= lease_renewal ? LeaseStep::keep : LeaseStep::renew;
}

std::string clock_trouble(const LeaseView& lease, std::string_view machine,
                          std::chrono::system_clock::time_point now) {
  const auto renewed = parse_utc(lease.renewed);
  if (lease.holder == machine || !renewed) return {};
  const auto ahead = to_time_point(*renewed) - now;
  if (ahead <= lease_clock_slack) return {};
  return fmt::format(
      "{} renewed the Lease of the duties at {}, {} s after this machine's {}; one of the two clocks is wrong: run `timedatectl` on both",
      lease.holder, lease.renewed, std::chrono::duration_cast<std::chrono::seconds>(ahead).count(),
      utc_text(now));
}

std::string lease_object(const std::optional<LeaseView>& lease, const std::string& machine,
                         std::chrono::system_clock::time_point now) {
  nlohmann::json metadata = {{"name", lease_name}, {"namespace", "kube-system"}};
  nlohmann::json spec = {{"holderIdentity", machine},
                         {"leaseDurationSeconds", lease_duration.count()},
                         {"renewTime", micro_time(now)},
                         {"leaseTransitions", 0}};
  if (lease) {
    metadata["resourceVersion"] = lease->resource_version;
    const int before = std::min(lease->transitions, std::numeric_limits<int>::max() - 1);
    spec["leaseTransitions"] = lease->holder == machine ? before : before + 1;
  }
  return nlohmann::json({{"apiVersion", "coordination.k8s.io/v1"},
                         {"kind", "Lease"},
                         {"metadata", metadata},
                         {"spec", spec}})
      .dump();
}

std::string micro_time(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  std::string text = utc_text(time);
  return text.replace(text.size() - 1, 1, fmt::format(".{:06}Z", since.count() % 1000000));
}

}  // namespace muster
