#include "client/deadline_guard.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster {

DeadlineGuard::DeadlineGuard(std::chrono::milliseconds time)
    : time_(time),
      deadline_(std::chrono::steady_clock::now() + time),
      thread_([this] { wait(); }) {}

DeadlineGuard::~DeadlineGuard() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
  for (const int socket : sockets_) close(socket);
}

void DeadlineGuard::watch(int socket) {
  const int duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) return;  // no descriptor left: the library's own time limits remain
  const std::lock_guard lock(mutex_);
  sockets_.push_back(duplicate);
  if (expired_) shutdown(duplicate, SHUT_RDWR);
}

void DeadlineGuard::extend() {
  const std::lock_guard lock(mutex_);
  deadline_ = std::chrono::steady_clock::now() + time_;
}

bool DeadlineGuard::expired() {
  const std::lock_guard lock(mutex_);
  return expired_;
}

void DeadlineGuard::wait() {
  std::unique_lock lock(mutex_);
  while (!done_) {
    // The deadline may have moved while this slept, so it is read again before acting on it.
    if (std::chrono::steady_clock::now() < deadline_) {
      const auto until = deadline_;
      changed_.wait_until(lock, until);
      continue;
    }
    expired_ = true;
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    changed_.wait(lock, [this] { return done_; });
  }
}

}  // namespace muster
