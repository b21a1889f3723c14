#include "agent/host/systemd_service_manager.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "agent/host/notify.hpp"

namespace muster {
namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";

// Job path -> unit, and the results that came in, in whatever order.
struct Jobs {
  std::map<std::string, std::string> waiting;
  std::map<std::string, std::string> results;
};

int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
  std::uint32_t id = 0;
  const char *path = nullptr, *unit = nullptr, *result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) {
    static_cast<Jobs*>(data)->results[path] = result;
  }
  return 0;
}

std::string unit_path(const std::string& unit) {
  char* encoded = nullptr;
  if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded) < 0) return {};
  std::string path = encoded;
  std::free(encoded);
  return path;
}

Result<std::string> text_property(sd_bus* bus, const std::string& path, const char* interface,
                                  const char* name) {
  BusError error;
  char* value = nullptr;
  const int result =
      sd_bus_get_property_string(bus, service, path.c_str(), interface, name, &error.value, &value);
  if (result < 0) {
    return fail(ErrorKind::io,
                fmt::format("systemd: reading {} of {}: {}", name, path, error.text(result)));
  }
  std::string text = value;
  std::free(value);
  return text;
}

template <class Number>
Number number_property(sd_bus* bus, const std::string& path, const char* interface,
                       const char* name, char type) {
  Number value = 0;
  BusError error;
  const int result = sd_bus_get_property_trivial(bus, service, path.c_str(), interface, name,
                                                 &error.value, type, &value);
  return result < 0 ? Number(0) : value;
}

std::int64_t stamp(sd_bus* bus, const char* name) {
  return static_cast<std::int64_t>(
      number_property<std::uint64_t>(bus, manager_path, manager, name, 't'));
}

// The units whose job did not end well, one sentence each.
std::string failures(const Jobs& jobs, std::chrono::milliseconds deadline) {
  std::string text;
  for (const auto& [path, unit] : jobs.waiting) {
    const auto result = jobs.results.find(path);
    if (result != jobs.results.end() && result->second == "done") continue;
    if (!text.empty()) text += "\n";
    if (result == jobs.results.end()) {
      text += fmt::format("unit '{0}': job not finished after {1} s; journalctl -u {0} -b", unit,
                          deadline.count() / 1000);
    } else {
      text +=
          fmt::format("unit '{0}': job ended '{1}'; journalctl -u {0} -b", unit, result->second);
    }
  }
  return text;
}

bool all_removed(const Jobs& jobs) {
  return std::all_of(jobs.waiting.begin(), jobs.waiting.end(),
                     [&](const auto& job) { return jobs.results.count(job.first) > 0; });
}

Result<void> wait_for_jobs(sd_bus* bus, Jobs& jobs, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!all_removed(jobs)) {
    const int processed = sd_bus_process(bus, nullptr);
    if (processed < 0) return fail_errno(-processed, "waiting for systemd's jobs");
    if (processed > 0) continue;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(ErrorKind::timeout, failures(jobs, deadline));
    notify_alive();
    const auto slice = std::min<std::int64_t>(left.count(), 5'000'000);
    if (const int waited = sd_bus_wait(bus, static_cast<std::uint64_t>(slice)); waited < 0) {
      return fail_errno(-waited, "waiting for systemd's jobs");
    }
  }
  if (const auto text = failures(jobs, deadline); !text.empty()) return fail(ErrorKind::io, text);
  return {};
}

}  // namespace

Result<UnitStatus> SystemdServiceManager::status(const std::string& unit) const {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  const std::string path = unit_path(unit);
  UnitStatus status;
  for (const auto& [name, target] :
       {std::pair{"LoadState", &status.load_state}, std::pair{"ActiveState", &status.active_state},
        std::pair{"SubState", &status.sub_state},
        std::pair{"UnitFileState", &status.unit_file_state}}) {
    auto value = text_property(*bus, path, unit_interface, name);
    if (!value) return context(value.error(), fmt::format("unit '{}'", unit));
    *target = *value;
  }
  status.need_daemon_reload =
      number_property<int>(*bus, path, unit_interface, "NeedDaemonReload", 'b') != 0;
  if (unit.size() > 8 && unit.compare(unit.size() - 8, 8, ".service") == 0) {
    status.main_pid = number_property<std::uint32_t>(*bus, path, service_interface, "MainPID", 'u');
    status.restarts =
        number_property<std::uint32_t>(*bus, path, service_interface, "NRestarts", 'u');
  }
  return status;
}

Result<void> SystemdServiceManager::run_jobs(const char* method,
                                             const std::vector<std::string>& units,
                                             std::chrono::milliseconds deadline) {
  if (units.empty()) return {};
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  Jobs jobs;
  sd_bus_slot* slot = nullptr;
  const int matched = sd_bus_match_signal(*bus, &slot, nullptr, manager_path, manager, "JobRemoved",
                                          on_job_removed, &jobs);
  if (matched < 0) return fail_errno(-matched, "subscribing to systemd's jobs");
  const std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> owner(slot, sd_bus_slot_unref);
  // Without it systemd sends its signals to nobody on the system bus; twice is an error of no
  // matter.
  BusError ignored;
  sd_bus_call_method(*bus, service, manager_path, manager, "Subscribe", &ignored.value, nullptr,
                     "");
  std::string refused;
  for (const auto& unit : units) {
    BusError error;
    BusMessage reply;
    const int result =
        sd_bus_call_method(*bus, service, manager_path, manager, method, &error.value, &reply.value,
                           "ss", unit.c_str(), "replace");
    const char* path = nullptr;
    if (result < 0 || sd_bus_message_read(reply.value, "o", &path) < 0) {
      refused += fmt::format("{}unit '{}': {} refused: {}", refused.empty() ? "" : "\n", unit,
                             method, error.text(result));
    } else {
      jobs.waiting[path] = unit;
    }
  }
  auto waited = wait_for_jobs(*bus, jobs, deadline);
  if (!waited && waited.error().kind != ErrorKind::timeout) {
    if (!sd_bus_is_open(*bus)) bus_.drop();
  }
  if (refused.empty()) return waited;
  if (!waited) refused += "\n" + waited.error().message;
  return fail(ErrorKind::io, refused);
}

Result<void> SystemdServiceManager::start(const std::vector<std::string>& units,
                                          std::chrono::milliseconds deadline) {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  for (const auto& unit : units) {
    // A unit that hit its start limit would refuse although its cause may be cured by now.
    BusError ignored;
    sd_bus_call_method(*bus, service, manager_path, manager, "ResetFailedUnit", &ignored.value,
                       nullptr, "s", unit.c_str());
  }
  return run_jobs("StartUnit", units, deadline);
}

Result<void> SystemdServiceManager::restart(const std::vector<std::string>& units,
                                            std::chrono::milliseconds deadline) {
  return run_jobs("RestartUnit", units, deadline);
}

Result<void> SystemdServiceManager::reload(const std::vector<std::string>& units,
                                           std::chrono::milliseconds deadline) {
  return run_jobs("ReloadUnit", units, deadline);
}

Result<void> SystemdServiceManager::stop(const std::vector<std::string>& units,
                                         std::chrono::milliseconds deadline) {
  std::vector<std::string> loaded;
  for (const auto& unit : units) {
    const auto now = status(unit);
    if (now && now->load_state != "not-found") loaded.push_back(unit);
  }
  return run_jobs("StopUnit", loaded, deadline);
}

Result<void> SystemdServiceManager::daemon_reload() {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  BusError error;
  const int result =
      sd_bus_call_method(*bus, service, manager_path, manager, "Reload", &error.value, nullptr, "");
  if (result < 0) {
    return fail(ErrorKind::io, fmt::format("systemd: reloading units: {}", error.text(result)));
  }
  return {};
}

Result<std::map<std::string, std::int64_t>> SystemdServiceManager::boot_timestamps() const {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  const auto userspace = stamp(*bus, "UserspaceTimestampMonotonic");
  // systemd clears the kernel's timestamp in a container: the kernel there is another machine's.
  if (stamp(*bus, "KernelTimestamp") == 0) {
    return std::map<std::string, std::int64_t>{{"kernel", -userspace}, {"userspace", 0}};
  }
  // Firmware and loader count backwards from the kernel's start.
  const auto firmware = stamp(*bus, "FirmwareTimestampMonotonic");
  const auto loader = stamp(*bus, "LoaderTimestampMonotonic");
  const auto initrd = stamp(*bus, "InitRDTimestampMonotonic");
  std::map<std::string, std::int64_t> times{{"kernel", firmware},
                                            {"userspace", firmware + userspace}};
  if (firmware > 0) times["firmware"] = 0;
  if (loader > 0) times["loader"] = firmware - loader;
  if (initrd > 0) times["initrd"] = firmware + initrd;
  return times;
}

}  // namespace muster
