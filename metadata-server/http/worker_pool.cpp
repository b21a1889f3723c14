#include "http/worker_pool.hpp"

#include <utility>

namespace muster {

WorkerPool::WorkerPool(unsigned threads, std::size_t queued) : queue_(queued) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::submit(Work work) {
  std::optional<Work> left;
  {
    const std::lock_guard lock(mutex_);
    left = done_ ? std::optional(std::move(work)) : queue_.push(std::move(work));
  }
  changed_.notify_one();
  if (left) left->give_way();
  return !left;
}

void WorkerPool::work() {
  for (;;) {
    std::optional<Work> next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_ || !queue_.empty(); });
      next = queue_.pop();
    }
    if (!next) return;
    next->run();
  }
}

}  // namespace muster
