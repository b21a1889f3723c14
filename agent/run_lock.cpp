#include "agent/run_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "agent/deadline.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "agent/state/set_aside.hpp"
#include "document/time_text.hpp"
#include "document/utf8.hpp"

namespace muster {
namespace {

// proc_locks(5): "1: FLOCK  ADVISORY  WRITE 4711 fd:01:1310 0 EOF". Nothing else of the agent takes
// such a lock; the inode is no help where an overlay lies between.
std::string agent_with_lock(const Filesystem& files) {
  const auto locks = files.read("/proc/locks");
  if (!locks) return {};
  std::istringstream lines(*locks);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, process;
    words >> number >> kind >> advisory >> access >> process;
    if (kind != "FLOCK") continue;
    const auto name = files.read("/proc/" + process + "/comm");
    if (name && *name == "muster-agent\n") return process;
  }
  return {};
}

// proc_pid_stat(5), field 3: T by a signal, t by a debugger.
bool is_suspended(std::string_view stat) {
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return false;
  return stat[name_end + 2] == 'T' || stat[name_end + 2] == 't';
}

}  // namespace

std::string lock_holder(const Host& host) {
  const std::string process = agent_with_lock(host.files);
  if (process.empty()) return "a process that is not to be seen";
  auto command = host.files.read("/proc/" + process + "/cmdline", 64u << 10);
  std::string text = fmt::format("process {}", process);
  if (command && !command->empty()) {
    if (command->back() == '\0') command->pop_back();
    std::replace(command->begin(), command->end(), '\0', ' ');
    text += fmt::format(" ({})", printable(*command));
  }
  const auto stat = host.files.read("/proc/" + process + "/stat");
  const auto started = stat ? process_start(*stat) : std::nullopt;
  if (started) {
    const auto age = host.clock.since_boot() - *started;
    text +=
        fmt::format(", which runs since {}",
                    utc_text(host.clock.now() -
                             std::chrono::duration_cast<std::chrono::system_clock::duration>(age)));
  }
  if (stat && is_suspended(*stat)) {
    return text +
           fmt::format(" and is suspended; let it go on: kill -CONT {0}, or end it: kill -KILL {0}",
                       process);
  }
  if (command && command->ends_with(" daemon"))
    return text + "; see `systemctl status muster-agent`";
  return text + fmt::format("; wait for it, or end it: kill {}", process);
}

Result<RunLock> take_run_lock(const std::string& folder, Host& host,
                              std::chrono::milliseconds patience,
                              const std::function<void(std::string_view)>& narrate) {
  RunLock lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.is_open()) {
    return fail(ErrorKind::io, fmt::format("lock '{}': {}", folder, std::strerror(errno)));
  }
  const Deadline end(host.clock, patience);
  for (bool is_told = false; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; is_told = true) {
    if (errno != EWOULDBLOCK) {
      return fail(ErrorKind::io, fmt::format("lock '{}': {}", folder, std::strerror(errno)));
    }
    if (end.has_passed()) {
      return fail(ErrorKind::timeout,
                  fmt::format("another run of muster-agent does not end: {}", lock_holder(host)));
    }
    if (!is_told) {
      narrate(fmt::format("waiting for the run that is under way: {}", lock_holder(host)));
    }
    host.clock.sleep(std::chrono::milliseconds(100));
  }
  return lock;
}

Result<RunLock> take_run_lock(Host& host, std::chrono::milliseconds patience,
                              const std::function<void(std::string_view)>& narrate) {
  if (!host.files.list(paths::state)) {
    if (host.files.status(paths::state)) {
      if (auto aside = set_aside(host.files, paths::state); !aside) return pass(aside.error());
      narrate(fmt::format("{} was no folder: set aside as {}", paths::state,
                          damaged_name(paths::state)));
    }
    if (auto made = host.files.make_directory(paths::state, paths::state_mode); !made)
      return pass(made.error());
  }
  return take_run_lock(paths::state, host, patience, narrate);
}

}  // namespace muster
