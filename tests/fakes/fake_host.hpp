// A machine in memory: records what is done to it, fails where a test wants it to.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>

#include "agent/paths.hpp"
#include "fakes/fake_filesystem.hpp"

namespace muster {

class FakeProcess final : public Process {
 public:
  std::vector<std::vector<std::string>> runs;
  // Answers a run; nothing set: exit 0 without output.
  std::function<Result<ProcessOutcome>(const ProcessRequest&)> answer;
  Result<ProcessOutcome> run(const ProcessRequest& request) override {
    runs.push_back(request.arguments);
    return answer ? answer(request) : ProcessOutcome{};
  }
};

class FakeServiceManager final : public ServiceManager {
 public:
  std::set<std::string> active;
  std::vector<std::string> calls;                  // "start a.service b.service"
  std::set<std::string> broken;                    // units whose jobs fail
  std::function<bool(const std::string&)> breaks;  // likewise, by what lies on the machine
  std::map<std::string, std::string> states;       // of units that are neither up nor down
  std::map<std::string, std::uint32_t> restarts;   // by systemd itself
  std::function<void(const std::string& unit)> on_up = [](const auto&) {};
  bool need_daemon_reload = false;
  std::map<std::string, std::uint32_t> pids;  // of the services that have a process
  std::set<std::string> masked;
  std::map<std::string, std::string> fragments;              // unit -> its file
  std::map<std::string, std::vector<std::string>> drop_ins;  // unit -> what adds to it
  std::map<std::string, std::string> skipped_by;  // unit -> the condition for which it is skipped
  std::function<void()> on_look = [] {};          // what goes on beside the agent, seen now

  Result<std::map<std::string, UnitStatus>> statuses(
      const std::vector<std::string>& units) const override {
    on_look();
    std::map<std::string, UnitStatus> statuses;
    for (const auto& unit : units) {
      UnitStatus& status = statuses[unit];
      status.load_state = unit.find(".mount") == std::string::npos ? "loaded" : "not-found";
      if (masked.count(unit) > 0) status.load_state = "masked";
      status.active_state = active.count(unit) > 0 ? "active" : "inactive";
      const auto skipped = skipped_by.find(unit);
      if (skipped != skipped_by.end() && active.count(unit) == 0) {
        status.skipped_by = skipped->second;
      }
      if (const auto at = fragments.find(unit); at != fragments.end()) status.fragment = at->second;
      if (const auto at = drop_ins.find(unit); at != drop_ins.end()) status.drop_ins = at->second;
      if (states.count(unit) > 0) status.active_state = states.at(unit);
      status.need_daemon_reload = need_daemon_reload;
      if (const auto pid = pids.find(unit); pid != pids.end()) status.main_pid = pid->second;
      const auto counted = restarts.find(unit);
      if (counted != restarts.end()) status.restarts = counted->second;
    }
    return statuses;
  }
  Result<void> start(const std::vector<std::string>& units, std::chrono::milliseconds) override {
    return jobs("start", units, true);
  }
  Result<void> restart(const std::vector<std::string>& units, std::chrono::milliseconds) override {
    return jobs("restart", units, true);
  }
  Result<void> reload(const std::vector<std::string>& units, std::chrono::milliseconds) override {
    return jobs("reload", units, true);
  }
  Result<void> stop(const std::vector<std::string>& units, std::chrono::milliseconds) override {
    return jobs("stop", units, false);
  }
  Result<void> daemon_reload() override {
    calls.emplace_back("daemon-reload");
    need_daemon_reload = false;
    return {};
  }
  Result<std::map<std::string, std::int64_t>> boot_timestamps() const override {
    return std::map<std::string, std::int64_t>{{"kernel", 1'000'000}, {"userspace", 3'000'000}};
  }

 private:
  Result<void> jobs(const std::string& what, const std::vector<std::string>& units, bool is_up) {
    std::string call = what;
    for (const auto& unit : units) call += " " + unit;
    calls.push_back(call);
    for (const auto& unit : units) {
      if (broken.count(unit) > 0 || (is_up && breaks && breaks(unit))) {
        active.erase(unit);
        return fail(ErrorKind::io,
                    "unit '" + unit + "': job ended 'failed'; journalctl -u " + unit + " -b");
      }
      const bool is_skipped = is_up && skipped_by.count(unit) > 0;
      if (is_skipped && skipped_by.at(unit).starts_with("Assert"))
        return fail(ErrorKind::io,
                    "unit '" + unit + "': job ended 'assert'; journalctl -u " + unit + " -b");
      if (is_skipped) {
        active.erase(unit);
      } else if (is_up) {
        active.insert(unit);
        restarts.erase(unit);
        on_up(unit);
      } else {
        active.erase(unit);
      }
    }
    return {};
  }
};

// Time passes only in `sleep`.
class FakeClock final : public Clock {
 public:
  std::chrono::system_clock::time_point time =
      std::chrono::system_clock::from_time_t(1'795'000'000);
  std::chrono::nanoseconds boot_time = std::chrono::seconds(5);
  std::chrono::system_clock::time_point now() const override { return time; }
  std::chrono::nanoseconds since_boot() const override { return boot_time; }
  void sleep(std::chrono::milliseconds duration) override {
    const std::lock_guard lock(mutex_);
    // Even an empty wait takes time, or a loop without patience would never end.
    const auto passed = std::max(duration, std::chrono::milliseconds(1));
    time += passed;
    boot_time += passed;
  }

 private:
  std::mutex mutex_;
};

class FakePower final : public Power {
 public:
  int reboots = 0, power_offs = 0;
  Result<void> reboot() override {
    ++reboots;
    return {};
  }
  Result<void> power_off() override {
    ++power_offs;
    return {};
  }
};

class FakeRoutes final : public Routes {
 public:
  std::map<std::string, std::string> there;
  std::set<std::string> unreachable;           // gateways that no link leads to
  std::map<std::string, std::string> foreign;  // address -> gateway of a route before ours
  std::map<std::string, LinkRoutes> kernel;    // by link
  std::set<std::string> elsewhere;             // addresses that no link of `kernel` leads to
  Result<LinkRoutes> of_kernel(const std::string& link) const override {
    const auto found = kernel.find(link);
    return found == kernel.end() ? LinkRoutes{} : found->second;
  }
  Result<bool> leaves_by(const std::string&, const std::string& address) const override {
    return elsewhere.count(address) == 0;
  }
  Result<std::map<std::string, std::string>> ours() const override { return there; }
  Result<bool> is_on_link(const std::string& address) const override {
    return unreachable.count(address) == 0;
  }
  Result<std::map<std::string, std::string>> gateways(
      const std::vector<std::string>& addresses) const override {
    std::map<std::string, std::string> gateways;
    for (const auto& address : addresses) {
      std::string& gateway = gateways[address];
      for (const auto& [network, through] : there) {
        const auto shared = network.find_last_of('.') + 1;
        if (network.compare(0, shared, address, 0, shared) == 0) gateway = through;
      }
      if (foreign.count(address) > 0) gateway = foreign.at(address);
    }
    return gateways;
  }
};

class FakeJournal final : public Journal {
 public:
  std::map<std::string, std::vector<std::string>> lines;  // by unit, of whatever boot
  mutable std::vector<std::string> asked;                 // "UNIT in BOOT"
  Result<std::vector<std::string>> tail(const std::string& unit,
                                        const std::string& boot_id) const override {
    asked.push_back(unit + " in " + boot_id);
    const auto found = lines.find(unit);
    if (found == lines.end()) return fail(ErrorKind::io, "journal: no files");
    return found->second;
  }
};

struct FakeHost {
  FakeFilesystem files;
  FakeProcess process;
  FakeServiceManager services;
  FakeClock clock;
  FakePower power;
  FakeRoutes routes;
  FakeJournal journal;
  Host host{files, process, services, clock, power, routes, journal};

  std::string pod_network;           // of this machine, once its bridge is there
  std::set<std::string> unsettable;  // keys, as paths: what the kernel keeps as it is

  FakeHost() {
    files.put("/etc/hosts", "127.0.0.1 localhost\n");
    services.on_up = [this](const std::string& unit) {
      if (unit == "muster-routes.service") set_up_routes();
      if (unit == "muster-kernel.service") set_sysctls();
    };
    process.answer = [this](const ProcessRequest& request) { return run_ctr(request); };
    services.on_look = [this] { monitors_tell(); };
    start_monitors();
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // As the bridge plugin does for the first pod.
  void set_up_bridge(const std::string& network, const std::string& address) {
    pod_network = network;
    files.put("/sys/class/net/cni0/flags", "0x1003\n");
    routes.kernel["cni0"] = {{address}, {{network, address}}};
  }

  void start_monitors() {
    services.active.insert({"muster-kubelet-monitor.service", "muster-network-monitor.service",
                            "muster-runtime-monitor.service", "muster-logrotate.timer"});
  }

  // As the monitors that are up do, of a machine that is well.
  void monitors_tell() {
    const auto at = clock.since_boot() / std::chrono::seconds(1);
    for (const std::string name : {"kubelet", "runtime"}) {
      if (services.active.count("muster-" + name + "-monitor.service") == 0) continue;
      files.put(fmt::format("{}/{}.json", paths::monitor_state, name),
                fmt::format(R"({{"at":{},"unit":"{}","healthy":true,"message":""}})", at, name));
    }
    if (services.active.count("muster-network-monitor.service") == 0) return;
    std::string note = files.has(paths::masquerade_note) ? files.text(paths::masquerade_note) : "";
    const std::string table = note.substr(0, note.find(' '));
    if (!note.empty()) note.replace(note.size() - 1, 1, "\\n");
    files.put(fmt::format("{}/network.json", paths::monitor_state),
              fmt::format(R"({{"at":{},"noted":"{}","found":"{}"}})", at, note, table));
  }

  // As units/muster-kernel.service does.
  void set_sysctls() {
    if (!files.has(paths::kernel_sysctl)) return;
    std::istringstream rows(files.text(paths::kernel_sysctl));
    for (std::string row; std::getline(rows, row);) {
      const auto equals = row.find(" = ");
      std::string key = row.substr(row[0] == '-' ? 1 : 0, equals - (row[0] == '-' ? 1 : 0));
      std::replace(key.begin(), key.end(), '.', '/');
      if (unsettable.count(key) == 0) files.put("/proc/sys/" + key, row.substr(equals + 3) + "\n");
    }
  }

  // As units/muster-routes.service does.
  void set_up_routes() {
    if (files.has(paths::masquerade)) files.put(paths::masquerade_note, "sha256:made run\n");
    routes.there.clear();
    std::istringstream rows(files.text("/etc/muster/routes"));
    for (std::string network, via, gateway; rows >> network >> via >> gateway;) {
      if (routes.unreachable.count(gateway) == 0) routes.there[network] = gateway;
    }
    if (auto& own = routes.kernel["cni0"]; !own.addresses.empty() && !pod_network.empty()) {
      own.connected = {{pod_network, own.addresses.front()}};
    }
    std::string hosts;
    std::istringstream there(files.has("/etc/hosts") ? files.text("/etc/hosts") : "");
    for (std::string row; std::getline(there, row);) {
      if (row.find(" # muster") == std::string::npos) hosts += row + "\n";
    }
    std::istringstream peers(files.has(paths::hosts) ? files.text(paths::hosts) : "");
    for (std::string row; std::getline(peers, row);) hosts += row + " # muster\n";
    files.put("/etc/hosts", hosts);
  }

  // `ctr images import` puts a manifest into the store, `ctr images list` names it.
  [[nodiscard]] ProcessOutcome run_ctr(const ProcessRequest& request) {
    const auto& arguments = request.arguments;
    const auto has = [&](const char* word) {
      return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
    };
    if (!has("images")) return {};
    const std::string manifest = sha256_digest(has("import") ? arguments.back() : imported_);
    if (has("list")) return {0, "REF TYPE DIGEST\nlocalhost/x:1 oci " + manifest + " 1 KiB\n", {}};
    imported_ = arguments.back();
    files.put(blob_path(manifest), "{}");
    return {};
  }
  [[nodiscard]] static std::string blob_path(const std::string& digest) {
    return "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/" + digest.substr(7);
  }

 private:
  std::string imported_;  // the archive
};

}  // namespace muster
