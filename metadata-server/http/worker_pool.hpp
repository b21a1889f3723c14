// A few threads for handlers that may wait for disk or signing, behind a bounded queue.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
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

  std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue queue_;
  bool done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster
