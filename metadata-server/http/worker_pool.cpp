#include "http/worker_pool.hpp"

#include <algorithm>
#include <utility>

namespace muster {

WorkerPool::WorkerPool(unsigned threads, std::size_t queued)
    : most_large_(std::max(1u, threads / 2)), queue_(queued), large_(queued) {
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
    FairQueue& queue = work.is_large ? large_ : queue_;
    left = done_ ? std::optional(std::move(work)) : queue.push(std::move(work));
  }
  changed_.notify_one();
  if (left) left->give_way();
  return !left;
}

bool WorkerPool::may_begin_large() const {
  return !large_.empty() && at_large_ < most_large_;
}

// In turns, where both wait: of a single worker too, each has its half.
std::optional<Work> WorkerPool::next() {
  was_large_ = may_begin_large() && (queue_.empty() || !was_large_);
  if (!was_large_) return queue_.pop();
  ++at_large_;
  return large_.pop();
}

void WorkerPool::work() {
  for (;;) {
    std::optional<Work> taken;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return !queue_.empty() || may_begin_large() || (done_ && large_.empty());
      });
      taken = next();
    }
    if (!taken) return;
    taken->run();
    if (!taken->is_large) continue;
    {
      const std::lock_guard lock(mutex_);
      --at_large_;
    }
    // Those who waited for this one, and at the end those who wait for all.
    changed_.notify_all();
  }
}

}  // namespace muster
