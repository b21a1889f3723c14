// Health monitors of kubelet and the container runtime: probe, restart what hangs, bounded.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

// What one monitor watches and its thresholds (facts: gardener-node-agent's, with a bound of ours).
struct MonitorSubject {
  std::string name;  // "kubelet" | "runtime" | a component that the former's monitor watches too
  std::string unit;  // "kubelet.service"
  std::chrono::seconds probe_interval{30};
  std::chrono::seconds probe_timeout{10};
  std::chrono::seconds failing_for{60};         // unhealthy this long before a restart
  std::chrono::seconds grace_after_start{120};  // no verdict while the unit is starting
  std::chrono::seconds healthy_for{600};        // after which earlier restarts are forgotten
  int maximum_restarts = 3;                     // then it reports and stops restarting
  std::string depends_on;    // a unit without which this one cannot be healthy; empty: none
  std::string url;           // of its health; empty: it has a probe of its own
  bool is_optional = false;  // not every machine has it: nothing is told where it is not up
};

// invalid: a name that is neither "kubelet" nor "runtime" (network_monitor.hpp has the third).
[[nodiscard]] Result<MonitorSubject> monitor_subject(std::string_view name);
// All that one monitor watches: kubelet's has the other components as well.
[[nodiscard]] Result<std::vector<MonitorSubject>> monitor_subjects(std::string_view name);

// When something was found, as a finding tells it ("at"): one that is old says nothing of now.
[[nodiscard]] std::int64_t seconds_since_boot(const Clock& clock);

// Probes for ever, one after the other; restarts the unit through the service manager; writes its
// verdict to paths::monitor_state/NAME.json at each probe, which the agent reads
// (agent/monitor_looks). READY to systemd with the first one. Returns only on an error that makes
// watching impossible (the state folder cannot be written, the bus is away).
[[nodiscard]] Result<void> run_monitor(const std::vector<MonitorSubject>& subjects, Host& host);

}  // namespace muster
