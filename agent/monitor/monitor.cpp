#include "agent/monitor/monitor.hpp"

#include <nlohmann/json.hpp>

#include "agent/host/notify.hpp"
#include "agent/monitor/escalation.hpp"
#include "agent/monitor/probe.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

std::string state_path(const MonitorSubject& subject) {
  return fmt::format("{}/{}.json", paths::monitor_state, subject.name);
}

Result<MonitorFinding> find(const MonitorSubject& subject, Host& host, std::string& detail) {
  const auto unit = host.services.status(subject.unit);
  if (!unit) return while_doing(unit.error(), fmt::format("asking systemd for '{}'", subject.unit));
  MonitorFinding finding;
  finding.main_pid = unit->main_pid;
  finding.settled = unit->active_state == "active";
  if (finding.settled && !subject.depends_on.empty()) {
    const auto other = host.services.status(subject.depends_on);
    if (!other) {
      return while_doing(other.error(), fmt::format("asking systemd for '{}'", subject.depends_on));
    }
    finding.settled = other->active_state == "active";
  }
  if (!finding.settled) return finding;
  const auto probed = probe(subject, host);
  finding.healthy = probed.has_value();
  detail = finding.healthy ? "" : probed.error().message;
  return finding;
}

struct Verdict {
  bool healthy = true;
  std::string message;
};

Verdict act(const MonitorSubject& subject, MonitorStep step, const MonitorMemory& memory,
            const std::string& detail, Host& host) {
  if (step == MonitorStep::restart) {
    const auto restarted = host.services.restart({subject.unit}, std::chrono::seconds(120));
    return {false, fmt::format("{}: unhealthy for {} s ({}); restart {} of {}{}", subject.unit,
                               subject.failing_for.count(), detail, memory.restarts,
                               subject.maximum_restarts,
                               restarted ? "" : " failed: " + restarted.error().message)};
  }
  if (memory.gave_up) {
    return {
        false,
        fmt::format(
            "{}: unhealthy after {} restarts ({}); it is left as it is: look at `journalctl -u {}` and reboot or repair the machine",
            subject.unit, subject.maximum_restarts, detail, subject.unit)};
  }
  if (memory.failing_since) return {false, fmt::format("{}: {}", subject.unit, detail)};
  return {};
}

Result<void> write_verdict(const MonitorSubject& subject, const Verdict& verdict, int restarts,
                           Host& host) {
  const nlohmann::json state = {{"at", seconds_since_boot(host.clock)},
                                {"unit", subject.unit},
                                {"healthy", verdict.healthy},
                                {"restarts", restarts},
                                {"message", verdict.message}};
  return host.files.write(
      state_path(subject),
      state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", 0644);
}

}  // namespace

std::int64_t seconds_since_boot(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.since_boot()).count();
}

Result<MonitorSubject> monitor_subject(std::string_view name) {
  MonitorSubject subject;
  subject.name = std::string(name);
  if (name == "kubelet") {
    subject.unit = "kubelet.service";
    // kubelet says "unhealthy" while its runtime restarts, which is the other monitor's matter.
    subject.depends_on = "containerd.service";
    return subject;
  }
  if (name == "runtime") {
    subject.unit = "containerd.service";
    return subject;
  }
  return fail(ErrorKind::invalid,
              fmt::format("monitor: expected kubelet, runtime or network, found '{}'", name));
}

Result<void> run_monitor(const MonitorSubject& subject, Host& host) {
  if (auto made = host.files.make_directory(paths::monitor_state, 0755); !made) return made;
  MonitorMemory memory;
  std::string said;
  for (;; host.clock.sleep(subject.probe_interval)) {
    std::string detail;
    const auto finding = find(subject, host, detail);
    if (!finding) return pass(finding.error());
    const MonitorStep step = next_step(subject, *finding, host.clock.since_boot(), memory);
    const Verdict verdict = act(subject, step, memory, detail, host);
    // The journal has it too, where the machine's other messages are.
    if (verdict.message != said && !verdict.message.empty()) {
      fmt::print(stderr, "{}\n", verdict.message);
    }
    said = verdict.message;
    if (auto wrote = write_verdict(subject, verdict, memory.restarts, host); !wrote) {
      return while_doing(wrote.error(), fmt::format("writing '{}'", state_path(subject)));
    }
    notify_ready();
  }
}

}  // namespace muster
