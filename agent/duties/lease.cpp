#include "agent/duties/lease.hpp"

#include <ctime>

namespace muster {

LeaseStep next_lease_step(const std::optional<LeaseView>& lease, std::string_view machine,
                          std::chrono::system_clock::time_point now) {
  if (!lease || lease->holder.empty()) return LeaseStep::take;
  const auto renewed = parse_micro_time(lease->renewed);
  if (!renewed || now - *renewed > lease_duration) return LeaseStep::take;
  if (lease->holder != machine) return LeaseStep::leave;
  return now - *renewed > lease_renewal ? LeaseStep::renew : LeaseStep::keep;
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
    spec["leaseTransitions"] = lease->transitions + (lease->holder == machine ? 0 : 1);
  }
  return nlohmann::json({{"apiVersion", "coordination.k8s.io/v1"},
                         {"kind", "Lease"},
                         {"metadata", metadata},
                         {"spec", spec}})
      .dump();
}

std::string micro_time(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  const std::time_t seconds = since.count() / 1000000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     since.count() % 1000000);
}

std::optional<std::chrono::system_clock::time_point> parse_micro_time(const std::string& text) {
  std::tm parts{};
  // Whole seconds are exact enough for a lease of minutes.
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace muster
