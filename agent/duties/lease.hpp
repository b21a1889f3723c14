// Who does the duties: the holder of the Lease kube-system/muster-duties.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/duties/cluster_view.hpp"

namespace muster {

inline constexpr std::chrono::seconds lease_duration{180};
// A turn comes about once a minute; a younger renewal is not written again.
inline constexpr std::chrono::seconds lease_renewal{30};

enum class LeaseStep { keep, renew, take, leave };

// keep and renew: ours. take: nobody's, or its holder has not renewed it for lease_duration. leave:
// another's. Clocks may differ by the 30 s that preflight allows. Pure.
[[nodiscard]] LeaseStep next_lease_step(const std::optional<LeaseView>& lease,
                                        std::string_view machine,
                                        std::chrono::system_clock::time_point now);

// The Lease as JSON for kubectl create (no lease before) or replace, which refuses it when somebody
// wrote it since `lease` was read.
[[nodiscard]] std::string lease_object(const std::optional<LeaseView>& lease,
                                       const std::string& machine,
                                       std::chrono::system_clock::time_point now);

// "2026-11-21T06:46:45.282260Z"
[[nodiscard]] std::string micro_time(std::chrono::system_clock::time_point time);

}  // namespace muster
