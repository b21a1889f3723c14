// The machine as the agent sees it: seven narrow interfaces passed in, so that every decision can
// be tested on a fake that records and a fake that fails. Real ones: posix_*.cpp,
// systemd_service_manager.cpp, systemd_journal.cpp, netlink_routes.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

// Takes a line for people: the journal, STATUS=, a terminal.
using Narrate = std::function<void(std::string_view)>;

struct FileStatus {
  enum class Type { file, directory, link, other } type = Type::file;
  std::uint32_t mode = 0;  // permission bits
  std::string owner, group;
  std::uint64_t size = 0, inode = 0, device = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // nobody sets this one: the last change of content, mode or name
  std::string link_target;
};

struct FreeSpace {
  std::uint64_t free = 0, size = 0;  // bytes; free: for others than root too
  std::uint64_t free_files = 1;      // that may still be made
  std::uint64_t device = 0;          // the same for all paths on one file system
};

// Thread-safe for different paths.
class Filesystem {
 public:
  virtual ~Filesystem() = default;
  [[nodiscard]] virtual Result<std::string> read(const std::string& path,
                                                 std::size_t limit = 16u << 20) const = 0;
  [[nodiscard]] virtual Result<FileStatus> status(
      const std::string& path) const = 0;  // does not follow links
  [[nodiscard]] virtual Result<std::vector<std::string>> list(
      const std::string& directory) const = 0;
  // "sha256:..." of the file's bytes, read in pieces.
  [[nodiscard]] virtual Result<std::string> digest(const std::string& path) const = 0;
  // Temp file in the same folder, mode and owner set, fsync, rename, fsync of the folder.
  [[nodiscard]] virtual Result<void> write(const std::string& path, std::string_view content,
                                           std::uint32_t mode,
                                           const std::string& owner = "root") = 0;
  // Adds to the end; creates the file 0600. Not durable before `finish`.
  [[nodiscard]] virtual Result<void> append(const std::string& path, std::string_view bytes) = 0;
  // Mode and owner of an appended file, then fsync.
  [[nodiscard]] virtual Result<void> finish(const std::string& path, std::uint32_t mode,
                                            const std::string& owner = "root") = 0;
  // Creates parents too; sets mode and owner of the last; a no-op when already so.
  [[nodiscard]] virtual Result<void> make_directory(const std::string& path, std::uint32_t mode,
                                                    const std::string& owner = "root") = 0;
  // Atomically makes `path` a symbolic link to `target` (temp link + rename + fsync of the folder).
  [[nodiscard]] virtual Result<void> link(const std::string& path, const std::string& target) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::string& from,
                                            const std::string& to) = 0;  // + fsync
  // The folder `from`, whole and synced, takes the place of the folder `to`, which may be there and
  // is removed. Cut off in the middle it leaves `to` as it was, as it shall be, or incomplete.
  [[nodiscard]] virtual Result<void> replace_directory(const std::string& from,
                                                       const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(
      const std::string& path) = 0;  // recursive; no-op when absent
  // Of the file system on which `path` lies.
  [[nodiscard]] virtual Result<FreeSpace> space(const std::string& path) const = 0;
};

struct ProcessRequest {
  std::vector<std::string> arguments;  // [0] is an absolute path; no shell
  std::map<std::string, std::string> environment;
  std::string input;
  std::chrono::milliseconds timeout{30000};
  std::size_t output_limit = 1u << 20;
};
struct ProcessOutcome {
  int exit_status = 0;  // 128+signal when killed
  std::string output, error;
};

class Process {
 public:
  virtual ~Process() = default;
  // A non-zero exit is an outcome, not an error; timeout kills the process group.
  [[nodiscard]] virtual Result<ProcessOutcome> run(const ProcessRequest& request) = 0;
};

// As org.freedesktop.systemd1(5) names them.
struct UnitStatus {
  std::string load_state, active_state;
  std::uint32_t main_pid = 0;  // services only
  bool need_daemon_reload = false;
  std::uint32_t restarts = 0;  // by systemd itself, since somebody last started it; services only
  // What it was loaded from: the unit file (of units that are not inactive), and what adds to it.
  std::string fragment{};
  std::vector<std::string> drop_ins{};
  // Of inactive ones, what did not hold when it was last to start: "ConditionPathExists=/nope".
  // systemd calls such a start done.
  std::string skipped_by{};
};
// It is up; a oneshot that has done its work, too.
[[nodiscard]] inline bool is_running(const UnitStatus& status) {
  return status.active_state == "active" || status.active_state == "reloading";
}

class ServiceManager {
 public:
  virtual ~ServiceManager() = default;
  // All asked in one round trip.
  [[nodiscard]] virtual Result<std::map<std::string, UnitStatus>> statuses(
      const std::vector<std::string>& units) const = 0;
  [[nodiscard]] Result<UnitStatus> status(const std::string& unit) const {
    auto all = statuses({unit});
    if (!all) return tl::unexpected(all.error());
    return all->at(unit);
  }
  // Each enqueues all jobs at once (the units' own ordering decides) and waits for every job's
  // result with one deadline; anything but "done" is an error that names each failed unit, its
  // result and the command that shows its log. Starting an active unit is a no-op.
  [[nodiscard]] virtual Result<void> start(const std::vector<std::string>& units,
                                           std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Result<void> restart(const std::vector<std::string>& units,
                                             std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Result<void> reload(const std::vector<std::string>& units,
                                            std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Result<void> stop(const std::vector<std::string>& units,
                                          std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Result<void> daemon_reload() = 0;
  // firmware, loader, kernel, initrd, userspace: microseconds since power-on, by systemd's own
  // timestamps. "kernel" is also what to add to CLOCK_BOOTTIME; it is negative in a container,
  // whose power-on is the start of its systemd.
  [[nodiscard]] virtual Result<std::map<std::string, std::int64_t>> boot_timestamps() const = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const = 0;
  [[nodiscard]] virtual std::chrono::nanoseconds since_boot() const = 0;  // CLOCK_BOOTTIME
  // The one wait of the agent: feeds the watchdog and extends the start timeout while it sleeps.
  // Thread-safe.
  virtual void sleep(std::chrono::milliseconds duration) = 0;
};

class Power {
 public:
  virtual ~Power() = default;
  // Each returns once the order was taken; giving it again changes nothing.
  [[nodiscard]] virtual Result<void> reboot() = 0;
  [[nodiscard]] virtual Result<void> power_off() = 0;
};

// What the kernel routes by itself (ip-route(8), "proto kernel"), since the link has addresses.
struct LinkRoutes {
  std::vector<std::string> addresses;            // the machine's own on it: "10.244.3.1"
  std::map<std::string, std::string> connected;  // "10.244.3.0/24" -> "10.244.3.1", its source
};

// The kernel's IPv4 routes. Read without any right; setting them is units/muster-routes.service.
class Routes {
 public:
  virtual ~Routes() = default;
  // Of the main table, those that were set by us (ip-route(8), "proto 77"): network -> gateway, as
  // in "10.244.3.0/24" -> "10.77.0.13"; a route with several gateways or none has "".
  [[nodiscard]] virtual Result<std::map<std::string, std::string>> ours() const = 0;
  // Whether a link of this machine leads to the address, with no other gateway between: the kernel
  // takes nothing else as a route's gateway. Never an address of the machine itself.
  [[nodiscard]] virtual Result<bool> is_on_link(const std::string& address) const = 0;
  // Address -> the gateway through which a packet to it goes; "": through none.
  [[nodiscard]] virtual Result<std::map<std::string, std::string>> gateways(
      const std::vector<std::string>& addresses) const = 0;
  // Empty where there is no such link; one that is down keeps its addresses alone.
  [[nodiscard]] virtual Result<LinkRoutes> of_kernel(const std::string& link) const = 0;
  // Whether a packet to the address leaves by this link, through no gateway.
  [[nodiscard]] virtual Result<bool> leaves_by(const std::string& link,
                                               const std::string& address) const = 0;
};

class Journal {
 public:
  virtual ~Journal() = default;
  // The last lines that `unit` wrote in the boot `boot_id`, and systemd about it, oldest first:
  // those since its last start, with the ones before where that start wrote nothing. At most
  // `journal_lines`, each cut to 4096 bytes, in at most three seconds; control characters and
  // secrets are still in them.
  [[nodiscard]] virtual Result<std::vector<std::string>> tail(const std::string& unit,
                                                              const std::string& boot_id) const = 0;
};
inline constexpr std::size_t journal_lines = 120;  // a panic is long

struct Host {
  Filesystem& files;
  Process& process;
  ServiceManager& services;
  Clock& clock;
  Power& power;
  Routes& routes;
  Journal& journal;
};

}  // namespace muster
