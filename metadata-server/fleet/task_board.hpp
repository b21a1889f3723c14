// How each of the server's background tasks is going: for status and metrics. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct TaskStatus {
  std::string name;  // "audit-archive"
  std::chrono::milliseconds interval{0};
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;            // of all runs
  std::uint64_t failures_in_row = 0;     // 0: the last run succeeded
  std::string last_error;                // of the last run that failed
  std::int64_t last_error_at = 0;        // Unix seconds; 0: none failed
  std::chrono::milliseconds took{0};     // the last run that ended
  std::chrono::milliseconds running{0};  // the run in progress; 0: none
};

class TaskBoard {
 public:
  using Steady = std::chrono::steady_clock;

  void add(const std::string& name, std::chrono::milliseconds interval);
  void began(const std::string& name, Steady::time_point at);
  // True where this says something new: it failed otherwise than before, or is well again.
  bool ended(const std::string& name, Steady::time_point at, std::int64_t unix_seconds,
             const Result<void>& result);
  // By name.
  [[nodiscard]] std::vector<TaskStatus> all(Steady::time_point now = Steady::now()) const;

 private:
  struct Row {
    TaskStatus status;
    std::optional<Steady::time_point> began;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Row> rows_;
};

}  // namespace muster
