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
// What clocks of masters may differ by, with the time a Lease takes to be read.
inline constexpr std::chrono::seconds lease_clock_slack{60};

// A record as this machine saw it last, and since when it is that one, by the time since boot.
struct SeenLease {
  std::string record;
  std::chrono::seconds since{0};
};
[[nodiscard]] std::string record_of(const LeaseView& lease);
// `seen`, or the record that is there now, from now on. Pure.
[[nodiscard]] SeenLease look_at_lease(const LeaseView& lease, const std::optional<SeenLease>& seen,
                                      std::chrono::seconds since_boot);
[[nodiscard]] std::string to_text(const SeenLease& seen);
[[nodiscard]] std::optional<SeenLease> parse_seen_lease(std::string_view text);

enum class LeaseStep { keep, renew, take, leave };

// keep and renew: ours. take: nobody's, or its holder has not changed it for lease_duration, as
// this machine saw it (client-go's leader election): whose clock is right does not matter. leave:
// another's. Pure.
[[nodiscard]] LeaseStep next_lease_step(const std::optional<LeaseView>& lease,
                                        std::string_view machine,
                                        std::chrono::system_clock::time_point now,
                                        std::chrono::seconds unchanged_for);

// What another's Lease says of the two clocks: it was renewed in the future; empty: nothing.
[[nodiscard]] std::string clock_trouble(const LeaseView& lease, std::string_view machine,
                                        std::chrono::system_clock::time_point now);

// The Lease as JSON for kubectl create (no lease before) or replace, which refuses it when somebody
// wrote it since `lease` was read.
[[nodiscard]] std::string lease_object(const std::optional<LeaseView>& lease,
                                       const std::string& machine,
                                       std::chrono::system_clock::time_point now);

// "2026-11-21T06:46:45.282260Z"
[[nodiscard]] std::string micro_time(std::chrono::system_clock::time_point time);

}  // namespace muster
