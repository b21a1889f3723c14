#include "agent/host/systemd_service_manager.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "agent/host/bus_calls.hpp"
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

bool is_service(const std::string& unit) {
  return unit.size() > 8 && unit.compare(unit.size() - 8, 8, ".service") == 0;
}

// LoadState and ActiveState of all, in one call; a unit that systemd never heard of is "not-found".
Result<std::map<std::string, UnitStatus>> list_units(sd_bus* bus,
                                                     const std::vector<std::string>& units) {
  BusMessage call, reply;
  BusError error;
  int result = sd_bus_message_new_method_call(bus, &call.value, service, manager_path, manager,
                                              "ListUnitsByNames");
  if (result >= 0) result = sd_bus_message_open_container(call.value, 'a', "s");
  for (const auto& unit : units) {
    if (result >= 0) result = sd_bus_message_append(call.value, "s", unit.c_str());
  }
  if (result >= 0) result = sd_bus_message_close_container(call.value);
  if (result >= 0) result = sd_bus_call(bus, call.value, 0, &error.value, &reply.value);
  if (result >= 0) result = sd_bus_message_enter_container(reply.value, 'a', "(ssssssouso)");
  std::map<std::string, UnitStatus> statuses;
  for (const auto& unit : units) statuses[unit] = {"not-found", "inactive"};
  const char *name = nullptr, *load = nullptr, *active = nullptr, *ignored = nullptr;
  std::uint32_t job = 0;
  std::size_t index = 0;
  while (result >= 0 && (result = sd_bus_message_read(reply.value, "(ssssssouso)", &name, &ignored,
                                                      &load, &active, &ignored, &ignored, &ignored,
                                                      &job, &ignored, &ignored)) > 0) {
    // In the order asked; the name in the answer may be what an alias stands for.
    if (index >= units.size()) break;
    UnitStatus& status = statuses[units[index++]];
    status.load_state = load;
    status.active_state = active;
  }
  if (result < 0) {
    return fail(ErrorKind::io, fmt::format("systemd: listing units: {}", error.text(result)));
  }
  return statuses;
}

// What the list lacks, and matters of a unit that runs.
struct UnitProperty {
  const char* interface;
  const char* name;
  int (*read)(sd_bus_message* reply, UnitStatus& status);
};

int read_drop_ins(sd_bus_message* reply, UnitStatus& status) {
  int result = sd_bus_message_enter_container(reply, 'v', "as");
  if (result >= 0) result = sd_bus_message_enter_container(reply, 'a', "s");
  const char* path = nullptr;
  while (result >= 0 && (result = sd_bus_message_read(reply, "s", &path)) > 0) {
    status.drop_ins.emplace_back(path);
  }
  return result;
}

// One that fails; of triggers, of which one is enough, the first where all of them do.
int read_conditions(sd_bus_message* reply, UnitStatus& status) {
  int result = sd_bus_message_enter_container(reply, 'v', "a(sbbsi)");
  if (result >= 0) result = sd_bus_message_enter_container(reply, 'a', "(sbbsi)");
  const char *type = nullptr, *value = nullptr;
  int is_trigger = 0, is_negated = 0, state = 0;
  std::string failed, trigger;
  bool is_triggered = false;
  while (result >= 0 && (result = sd_bus_message_read(reply, "(sbbsi)", &type, &is_trigger,
                                                      &is_negated, &value, &state)) > 0) {
    is_triggered = is_triggered || (is_trigger != 0 && state >= 0);
    std::string& first = is_trigger != 0 ? trigger : failed;
    if (state < 0 && first.empty()) {
      first = fmt::format("{}={}{}", type, is_negated != 0 ? "!" : "", value);
    }
  }
  if (failed.empty() && !is_triggered) failed = trigger;
  if (status.skipped_by.empty()) status.skipped_by = failed;
  return result;
}

// Of inactive units alone: why they are.
constexpr std::array inactive_properties = {
    UnitProperty{unit_interface, "DropInPaths", read_drop_ins},
    UnitProperty{unit_interface, "Conditions", read_conditions},
    UnitProperty{unit_interface, "Asserts", read_conditions}};

constexpr std::array unit_properties = {
    UnitProperty{unit_interface, "NeedDaemonReload",
                 [](sd_bus_message* reply, UnitStatus& status) {
                   int value = 0;
                   const int result = sd_bus_message_read(reply, "v", "b", &value);
                   status.need_daemon_reload = value != 0;
                   return result;
                 }},
    UnitProperty{unit_interface, "FragmentPath",
                 [](sd_bus_message* reply, UnitStatus& status) {
                   const char* path = "";
                   const int result = sd_bus_message_read(reply, "v", "s", &path);
                   status.fragment = path;
                   return result;
                 }},
    UnitProperty{unit_interface, "DropInPaths", read_drop_ins},
    UnitProperty{service_interface, "MainPID",
                 [](sd_bus_message* reply, UnitStatus& status) {
                   return sd_bus_message_read(reply, "v", "u", &status.main_pid);
                 }},
    UnitProperty{service_interface, "NRestarts", [](sd_bus_message* reply, UnitStatus& status) {
                   return sd_bus_message_read(reply, "v", "u", &status.restarts);
                 }}};

void ignore(sd_bus_message*, const std::string&) {}

void add_line(std::string& text, const std::string& line) {
  text += (text.empty() ? "" : "\n") + line;
}

Result<std::map<std::string, UnitStatus>> ask_statuses(sd_bus* bus,
                                                       const std::vector<std::string>& units) {
  auto statuses = list_units(bus, units);
  if (!statuses) return statuses;
  std::string problems;
  BusCalls calls(bus);
  const auto ask = [&](const auto& properties, const std::string& unit, UnitStatus& status) {
    for (const UnitProperty& property : properties) {
      if (property.interface == service_interface && !is_service(unit)) continue;
      const auto on_reply = [&problems, &property, name = unit, target = &status](
                                sd_bus_message* reply, const std::string& error) {
        if (reply != nullptr && property.read(reply, *target) >= 0) return;
        add_line(problems, fmt::format("unit '{}': {}: {}", name, property.name,
                                       reply == nullptr ? error : "of another type"));
      };
      calls.call(unit_path(unit), "org.freedesktop.DBus.Properties", "Get",
                 {property.interface, property.name}, on_reply);
    }
  };
  for (auto& [unit, status] : *statuses) {
    if (status.active_state != "inactive") {
      ask(unit_properties, unit, status);
    } else if (status.load_state == "loaded") {
      ask(inactive_properties, unit, status);
    }
  }
  if (auto answered = calls.wait(); !answered) return pass(answered.error());
  if (!problems.empty()) return fail(ErrorKind::io, problems);
  return statuses;
}

// The units whose job did not end well, one sentence each.
std::string failures(const Jobs& jobs, std::chrono::milliseconds deadline) {
  std::string text;
  for (const auto& [path, unit] : jobs.waiting) {
    const auto result = jobs.results.find(path);
    if (result != jobs.results.end() && result->second == "done") continue;
    const std::string what = result == jobs.results.end()
                                 ? fmt::format("not finished after {} s", deadline.count() / 1000)
                                 : fmt::format("ended '{}'", result->second);
    add_line(text, fmt::format("unit '{0}': job {1}; journalctl -u {0} -b", unit, what));
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

Result<void> run_jobs_on(sd_bus* bus, const char* method, const std::vector<std::string>& units,
                         std::chrono::milliseconds deadline) {
  Jobs jobs;
  sd_bus_slot* slot = nullptr;
  const int matched = sd_bus_match_signal(bus, &slot, nullptr, manager_path, manager, "JobRemoved",
                                          on_job_removed, &jobs);
  if (matched < 0) return fail_errno(-matched, "subscribing to systemd's jobs");
  const std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> owner(slot, sd_bus_slot_unref);
  std::string refused;
  BusCalls calls(bus);
  // Without it systemd sends its signals to nobody on the system bus; twice is an error of no
  // matter.
  calls.call(manager_path, manager, "Subscribe", {}, ignore);
  for (const auto& unit : units) {
    // A unit that hit its start limit would refuse although its cause may be cured by now.
    calls.call(manager_path, manager, "ResetFailedUnit", {unit}, ignore);
    calls.call(manager_path, manager, method, {unit, "replace"},
               [&, method](sd_bus_message* reply, const std::string& error) {
                 const char* path = nullptr;
                 if (reply != nullptr && sd_bus_message_read(reply, "o", &path) >= 0) {
                   jobs.waiting[path] = unit;
                 } else {
                   add_line(refused, fmt::format("unit '{}': {} refused: {}", unit, method, error));
                 }
               });
  }
  auto waited = calls.wait();
  if (waited) waited = wait_for_jobs(bus, jobs, deadline);
  if (refused.empty()) return waited;
  if (!waited) add_line(refused, waited.error().message);
  return fail(ErrorKind::io, refused);
}

Result<std::map<std::string, std::int64_t>> ask_timestamps(sd_bus* bus) {
  std::map<std::string, std::int64_t> stamps;
  BusCalls calls(bus);
  for (const std::string name :
       {"KernelTimestamp", "FirmwareTimestampMonotonic", "LoaderTimestampMonotonic",
        "InitRDTimestampMonotonic", "UserspaceTimestampMonotonic"}) {
    calls.call(manager_path, "org.freedesktop.DBus.Properties", "Get", {manager, name},
               [&stamps, name](sd_bus_message* reply, const std::string&) {
                 std::uint64_t value = 0;
                 if (reply != nullptr) sd_bus_message_read(reply, "v", "t", &value);
                 stamps[name] = static_cast<std::int64_t>(value);
               });
  }
  if (auto answered = calls.wait(); !answered) return pass(answered.error());
  return stamps;
}

}  // namespace

Result<std::map<std::string, UnitStatus>> SystemdServiceManager::statuses(
    const std::vector<std::string>& units) const {
  return bus_.with([&](sd_bus* bus) { return ask_statuses(bus, units); });
}

Result<void> SystemdServiceManager::run_jobs(const char* method,
                                             const std::vector<std::string>& units,
                                             std::chrono::milliseconds deadline) {
  if (units.empty()) return {};
  return bus_.with([&](sd_bus* bus) { return run_jobs_on(bus, method, units, deadline); });
}

Result<void> SystemdServiceManager::start(const std::vector<std::string>& units,
                                          std::chrono::milliseconds deadline) {
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
  const auto now = statuses(units);
  if (!now) return pass(now.error());
  std::vector<std::string> loaded;
  for (const auto& unit : units) {
    if (now->at(unit).load_state != "not-found") loaded.push_back(unit);
  }
  return run_jobs("StopUnit", loaded, deadline);
}

Result<void> SystemdServiceManager::daemon_reload() {
  return bus_.with([](sd_bus* bus) -> Result<void> {
    BusError error;
    const int result = sd_bus_call_method(bus, service, manager_path, manager, "Reload",
                                          &error.value, nullptr, "");
    if (result >= 0) return {};
    return fail(ErrorKind::io, fmt::format("systemd: reloading units: {}", error.text(result)));
  });
}

Result<std::map<std::string, std::int64_t>> SystemdServiceManager::boot_timestamps() const {
  auto asked = bus_.with([](sd_bus* bus) { return ask_timestamps(bus); });
  if (!asked) return pass(asked.error());
  auto& stamps = *asked;
  const auto userspace = stamps["UserspaceTimestampMonotonic"];
  // systemd clears the kernel's timestamp in a container: the kernel there is another machine's.
  if (stamps["KernelTimestamp"] == 0) {
    return std::map<std::string, std::int64_t>{{"kernel", -userspace}, {"userspace", 0}};
  }
  // Firmware and loader count backwards from the kernel's start.
  const auto firmware = stamps["FirmwareTimestampMonotonic"];
  const auto loader = stamps["LoaderTimestampMonotonic"];
  const auto initrd = stamps["InitRDTimestampMonotonic"];
  std::map<std::string, std::int64_t> times{{"kernel", firmware},
                                            {"userspace", firmware + userspace}};
  if (firmware > 0) times["firmware"] = 0;
  if (loader > 0) times["loader"] = firmware - loader;
  if (initrd > 0) times["initrd"] = firmware + initrd;
  return times;
}

}  // namespace muster
