// A few threads for handlers that may wait for disk or signing, behind a bounded queue.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace muster {

class WorkerPool {
 public:
  using Job = std::function<void()>;
  WorkerPool(unsigned threads, std::size_t queued);
  ~WorkerPool();  // runs what is queued, then ends the threads
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // False when the queue is full: the job was not taken.
  [[nodiscard]] bool submit(Job job);

 private:
  void work();

  const std::size_t queued_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster
