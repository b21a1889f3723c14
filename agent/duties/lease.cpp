#include "agent/duties/lease.hpp"

#include <algorithm>
#include <limits>

#include "document/time_text.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {

LeaseStep next_lease_step(const std::optional<LeaseView>& lease, std::string_view machine,
                          std::chrono::system_clock::time_point now) {
  if (!lease || lease->holder.empty()) return LeaseStep::take;
  const auto renewed = parse_utc(lease->renewed);  // whole seconds are exact enough
  if (!renewed) return LeaseStep::take;
  const auto age = now - to_time_point(*renewed);
  if (age > lease_duration) return LeaseStep::take;
  if (lease->holder != machine) return LeaseStep::leave;
  return age > lease_renewal ? LeaseStep::renew : LeaseStep::keep;
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
