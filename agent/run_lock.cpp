#include "agent/run_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "agent/deadline.hpp"
#include "agent/paths.hpp"
#include "agent/run.hpp"

namespace muster {

Result<RunLock> take_run_lock(const std::string& path, Clock& clock,
                              const std::function<void(std::string_view)>& narrate) {
  RunLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open()) {
    return fail(ErrorKind::io, fmt::format("lock '{}': {}", path, std::strerror(errno)));
  }
  const Deadline end(clock, boot_deadline);
  for (bool is_told = false; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; is_told = true) {
    if (errno != EWOULDBLOCK) {
      return fail(ErrorKind::io, fmt::format("lock '{}': {}", path, std::strerror(errno)));
    }
    if (end.has_passed()) {
      return fail(
          ErrorKind::timeout,
          fmt::format(
              "lock '{}': another run of muster-agent holds it for {} minutes; see `systemctl status muster-agent`",
              path, std::chrono::minutes(boot_deadline).count()));
    }
    if (!is_told) narrate("waiting for the run that is under way");
    clock.sleep(std::chrono::milliseconds(100));
  }
  return lock;
}

Result<RunLock> take_run_lock(Host& host, const std::function<void(std::string_view)>& narrate) {
  if (auto made = host.files.make_directory(paths::state, 0700); !made) return pass(made.error());
  return take_run_lock(paths::run_lock, host.clock, narrate);
}

}  // namespace muster
