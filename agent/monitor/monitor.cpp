#include "agent/monitor/monitor.hpp"

#include <nlohmann/json.hpp>

#include "agent/host/notify.hpp"
#include "agent/monitor/escalation.hpp"
#include "agent/monitor/probe.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr const char* api_server = "kube-apiserver.service";

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
            const MonitorFinding& finding, const std::string& detail, Host& host) {
  if (step == MonitorStep::restart) {
    const auto restarted = host.services.restart({subject.unit}, std::chrono::seconds(120));
    return {false, fmt::format("{}: unhealthy for {} s ({}); restart {} of {}{}", subject.unit,
                               subject.failing_for.count(), detail, memory.restarts,
                               subject.maximum_restarts,
                               restarted ? "" : " failed: " + restarted.error().message)};
  }
  // That it gave up holds back restarts until it has been well for long; it is well at once.
  if (!finding.settled || finding.healthy) return {};
  if (memory.gave_up && subject.maximum_restarts == 0) {
    return {
        false,
        fmt::format(
            "{0}: unhealthy for {1} s ({2}); nobody restarts it by itself: look at `journalctl -u {0} -b`, and in this master's turn run `systemctl restart {0}`",
            subject.unit, subject.failing_for.count(), detail)};
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

struct Watch {
  MonitorMemory memory;
  std::string said;
};

Result<void> look(const MonitorSubject& subject, Watch& watch, Host& host) {
  std::string detail;
  const auto finding = find(subject, host, detail);
  if (!finding) return pass(finding.error());
  const MonitorStep step = next_step(subject, *finding, host.clock.since_boot(), watch.memory);
  if (subject.is_optional && finding->main_pid == 0) return {};
  const Verdict verdict = act(subject, step, watch.memory, *finding, detail, host);
  // The journal has it too, where the machine's other messages are.
  if (verdict.message != watch.said && !verdict.message.empty()) {
    fmt::print(stderr, "{}\n", verdict.message);
  }
  watch.said = verdict.message;
  if (auto wrote = write_verdict(subject, verdict, watch.memory.restarts, host); !wrote) {
    return while_doing(wrote.error(), fmt::format("writing '{}'", state_path(subject)));
  }
  return {};
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

Result<std::vector<MonitorSubject>> monitor_subjects(std::string_view name) {
  auto first = monitor_subject(name);
  if (!first) return pass(first.error());
  std::vector<MonitorSubject> subjects{*first};
  if (name != "kubelet") return subjects;
  const auto add = [&](const char* component, const char* url) -> MonitorSubject& {
    MonitorSubject& subject = subjects.emplace_back();
    subject.name = component;
    subject.unit = subject.name + ".service";
    subject.probe_timeout = std::chrono::seconds(5);
    subject.url = url;
    subject.is_optional = true;
    return subject;
  };
  add("kube-proxy", "/livez");  // at the address of its configuration
  add("kube-apiserver", "/livez");
  add("kube-controller-manager", "https://127.0.0.1:10257/healthz").depends_on = api_server;
  add("kube-scheduler", "https://127.0.0.1:10259/healthz").depends_on = api_server;
  // Without a word to the others: whether they are a quorum is not its health. Restarting it is a
  // matter of turns.
  add("etcd", "http://127.0.0.1:2381/health?serializable=true").maximum_restarts = 0;
  return subjects;
}

Result<void> run_monitor(const std::vector<MonitorSubject>& subjects, Host& host) {
  if (auto made = host.files.make_directory(paths::monitor_state, 0755); !made) return made;
  std::vector<Watch> watches(subjects.size());
  for (;; host.clock.sleep(subjects.front().probe_interval)) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      if (auto looked = look(subjects[i], watches[i], host); !looked) return looked;
    }
    notify_ready();
  }
}

}  // namespace muster
