// Ends a blocking call of a library that knows no total deadline: when the time is over, every
// socket it was shown is shut down, so that whatever waits on it returns. For one call of one
// thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace muster {

class DeadlineGuard {
 public:
  explicit DeadlineGuard(std::chrono::milliseconds time);
  ~DeadlineGuard();
  DeadlineGuard(const DeadlineGuard&) = delete;
  DeadlineGuard& operator=(const DeadlineGuard&) = delete;

  // Keeps a duplicate of `socket`, so that a number reused by another file is never shut down.
  void watch(int socket);
  // Starts the time anew.
  void extend();
  [[nodiscard]] bool expired();

 private:
  void wait();

  const std::chrono::milliseconds time_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::steady_clock::time_point deadline_;
  std::vector<int> sockets_;
  bool done_ = false;
  bool expired_ = false;
  std::thread thread_;
};

}  // namespace muster
