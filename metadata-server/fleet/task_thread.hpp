// A thread that does one thing again and again: what hangs, fails or takes long there holds up
// nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "fleet/task_board.hpp"

namespace muster {

struct BackgroundTask {
  std::string name;                    // for people: "audit-archive"
  std::chrono::milliseconds interval;  // from the end of a run to the next
  // Long work looks at `stop` between its parts.
  std::function<Result<void>(std::stop_token stop)> run;
};

class TaskThread {
 public:
  // Runs at once, then each interval; after a failure at the soonest in five seconds. `board`
  // outlives it, and what `task.run` needs.
  TaskThread(BackgroundTask task, TaskBoard& board);
  ~TaskThread();  // asks the run in progress to stop, and waits for it
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

 private:
  void loop(const std::stop_token& stop);
  [[nodiscard]] Result<void> run_once(const std::stop_token& stop);

  const BackgroundTask task_;
  TaskBoard& board_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace muster
