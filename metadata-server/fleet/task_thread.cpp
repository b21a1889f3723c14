#include "fleet/task_thread.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "pki/unix_seconds.hpp"

namespace muster {

namespace {
constexpr std::chrono::milliseconds soonest_retry{5000};
}  // namespace

TaskThread::TaskThread(BackgroundTask task, TaskBoard& board)
    : task_(std::move(task)), board_(board) {
  board_.add(task_.name, task_.interval);
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

TaskThread::~TaskThread() {
  thread_.request_stop();
}

void TaskThread::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const bool is_well = run_once(stop).has_value();
    const auto pause = is_well ? task_.interval : std::max(task_.interval, soonest_retry);
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, stop, pause, [] { return false; });
  }
}

Result<void> TaskThread::run_once(const std::stop_token& stop) {
  board_.began(task_.name, TaskBoard::Steady::now());
  auto done = task_.run(stop);
  const std::int64_t time = unix_seconds(std::chrono::system_clock::now());
  const bool is_news = board_.ended(task_.name, TaskBoard::Steady::now(), time, done);
  if (is_news && done) spdlog::info("background task {}: it succeeds again", task_.name);
  if (is_news && !done)
    spdlog::error("background task {}: {}; it is tried again", task_.name, done.error().message);
  return done;
}

}  // namespace muster
