// Ends a blocking call of a library that knows no total deadline: when the time is over, every
// socket it was shown is shut down, so that whatever waits on it returns. For one call of one
// thread; it has a thread of its own, which also tells that the call is still being waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace muster {

class DeadlineGuard {
 public:
  // `stall`: how long nothing may come (0: as long as there is time). `on_wait` is called at once
  // and every five seconds on the guard's thread, until the time is over: whoever waits for longer
  // has hung.
  DeadlineGuard(std::chrono::milliseconds time, std::chrono::milliseconds stall,
                std::function<void()> on_wait);
  ~DeadlineGuard();
  DeadlineGuard(const DeadlineGuard&) = delete;
  DeadlineGuard& operator=(const DeadlineGuard&) = delete;

  // Keeps a duplicate of `socket`, so that a number reused by another file is never shut down.
  void watch(int socket);
  // Starts the time anew.
  void extend();
  // Something came. While the caller is `busy` with it nothing can: a slow disk is no stall.
  void busy();
  void waiting();
  enum class End { none, time, stall };
  [[nodiscard]] End end();

 private:
  using Point = std::chrono::steady_clock::time_point;
  void wait();
  [[nodiscard]] Point stall_from_now() const;

  const std::chrono::milliseconds time_, stall_;
  const std::function<void()> on_wait_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Point deadline_, stalled_at_;
  std::vector<int> sockets_;
  bool done_ = false;
  End end_ = End::none;
  std::thread thread_;
};

}  // namespace muster
