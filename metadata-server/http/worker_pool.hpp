// A few threads for handlers that may wait for disk or signing, behind a bounded queue; what is
// large waits in one of its own, and half of the threads are at it at most. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "http/fair_queue.hpp"

namespace muster {

class WorkerPool {
 public:
  WorkerPool(unsigned threads, std::size_t queued);
  ~WorkerPool();  // runs what is queued, then ends the threads
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Where no place is left, something gives way, on this thread: what is submitted, or what a
  // greedier share has waiting. False where something did.
  bool submit(Work work);

 private:
  void work();
  [[nodiscard]] bool may_begin_large() const;
  [[nodiscard]] std::optional<Work> next();

  const unsigned most_large_;
  std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue queue_, large_;
  unsigned at_large_ = 0;
  bool was_large_ = false;  // what was begun last
  bool done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster
