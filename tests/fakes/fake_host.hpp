// A machine in memory: records what is done to it, fails where a test wants it to.
#pragma once

#include <functional>
#include <mutex>
#include <set>

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
  bool need_daemon_reload = false;

  Result<std::map<std::string, UnitStatus>> statuses(
      const std::vector<std::string>& units) const override {
    std::map<std::string, UnitStatus> statuses;
    for (const auto& unit : units) {
      UnitStatus& status = statuses[unit];
      status.load_state = unit.find(".mount") == std::string::npos ? "loaded" : "not-found";
      status.active_state = active.count(unit) > 0 ? "active" : "inactive";
      status.need_daemon_reload = need_daemon_reload;
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
      if (is_up) {
        active.insert(unit);
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
  FakeJournal journal;
  Host host{files, process, services, clock, power, journal};
};

}  // namespace muster
