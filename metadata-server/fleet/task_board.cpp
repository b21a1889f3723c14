#include "fleet/task_board.hpp"

namespace muster {

namespace {

std::chrono::milliseconds between(TaskBoard::Steady::time_point from,
                                  TaskBoard::Steady::time_point to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace

void TaskBoard::add(const std::string& name, std::chrono::milliseconds interval) {
  const std::lock_guard lock(mutex_);
  TaskStatus& status = rows_[name].status;
  status.name = name;
  status.interval = interval;
}

void TaskBoard::began(const std::string& name, Steady::time_point at) {
  const std::lock_guard lock(mutex_);
  rows_[name].began = at;
}

bool TaskBoard::ended(const std::string& name, Steady::time_point at, std::int64_t unix_seconds,
                      const Result<void>& result) {
  const std::lock_guard lock(mutex_);
  auto& [status, began] = rows_[name];
  ++status.runs;
  if (began) status.took = between(*began, at);
  began.reset();
  const bool was_well = status.failures_in_row == 0;
  if (result) {
    status.failures_in_row = 0;
    return !was_well;
  }
  const bool is_news = was_well || status.last_error != result.error().message;
  ++status.failures;
  ++status.failures_in_row;
  status.last_error = result.error().message;
  status.last_error_at = unix_seconds;
  return is_news;
}

std::vector<TaskStatus> TaskBoard::all(Steady::time_point now) const {
  std::vector<TaskStatus> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, row] : rows_) {
    all.push_back(row.status);
    if (row.began) all.back().running = between(*row.began, now);
  }
  return all;
}

}  // namespace muster
