#include "client/deadline_guard.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace muster {
namespace {

constexpr auto between_signs = std::chrono::seconds(5);

}  // namespace

DeadlineGuard::DeadlineGuard(std::chrono::milliseconds time, std::chrono::milliseconds stall,
                             std::function<void()> on_wait)
    : time_(time),
      stall_(stall),
      on_wait_(std::move(on_wait)),
      deadline_(std::chrono::steady_clock::now() + time),
      stalled_at_(stall_from_now()),
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
  if (end_ != End::none) shutdown(duplicate, SHUT_RDWR);
}

void DeadlineGuard::extend() {
  const std::lock_guard lock(mutex_);
  deadline_ = std::chrono::steady_clock::now() + time_;
}

void DeadlineGuard::busy() {
  const std::lock_guard lock(mutex_);
  stalled_at_ = Point::max();
}

void DeadlineGuard::waiting() {
  const std::lock_guard lock(mutex_);
  stalled_at_ = stall_from_now();
}

DeadlineGuard::End DeadlineGuard::end() {
  const std::lock_guard lock(mutex_);
  return end_;
}

DeadlineGuard::Point DeadlineGuard::stall_from_now() const {
  return stall_.count() > 0 ? std::chrono::steady_clock::now() + stall_ : Point::max();
}

void DeadlineGuard::wait() {
  std::unique_lock lock(mutex_);
  auto next_sign = on_wait_ ? std::chrono::steady_clock::now() : Point::max();
  while (!done_) {
    // Both ends may have moved while this slept, so they are read again before acting on them.
    const auto now = std::chrono::steady_clock::now();
    if (const auto until = std::min(deadline_, stalled_at_); now < until) {
      if (now < next_sign) {
        // Not past a stall that only begins once the caller is no longer busy.
        changed_.wait_until(lock, std::min({until, next_sign, stall_from_now()}));
        continue;
      }
      next_sign = now + between_signs;
      lock.unlock();
      on_wait_();
      lock.lock();
      continue;
    }
    end_ = now < deadline_ ? End::stall : End::time;
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    changed_.wait(lock, [this] { return done_; });
  }
}

}  // namespace muster
