#include "fleet/task_thread.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>

#include "fakes/soon.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

TaskStatus status_of(const TaskBoard& board, const std::string& name) {
  for (const TaskStatus& status : board.all())
    if (status.name == name) return status;
  return {};
}

}  // namespace

TEST_CASE("a task that fails and one that hangs hold up no other") {
  TaskBoard board;
  std::atomic<int> well{0};
  std::atomic<bool> is_released{false};
  const TaskThread failing(
      {"failing", 1ms,
       [](auto) -> Result<void> { return fail(ErrorKind::exhausted, "disk full"); }},
      board);
  const TaskThread hanging({"hanging", 1ms,
                            [&](const std::stop_token& stop) -> Result<void> {
                              while (!is_released && !stop.stop_requested())
                                std::this_thread::sleep_for(1ms);
                              return {};
                            }},
                           board);
  const TaskThread other({"other", 1ms,
                          [&](auto) -> Result<void> {
                            ++well;
                            return {};
                          }},
                         board);
  CHECK(soon([&] { return well > 20 && status_of(board, "failing").failures == 1; }));
  CHECK(status_of(board, "failing").last_error == "disk full");
  CHECK(status_of(board, "failing").last_error_at > 0);
  CHECK(status_of(board, "hanging").runs == 0);
  CHECK(soon([&] { return status_of(board, "hanging").running > 10ms; }));
  is_released = true;
  CHECK(soon([&] { return status_of(board, "hanging").runs > 0; }));
}

TEST_CASE("a pause between runs does not hold up the end") {
  TaskBoard board;
  const auto began = std::chrono::steady_clock::now();
  {
    const TaskThread task({"hourly", 1h, [](auto) -> Result<void> { return {}; }}, board);
    CHECK(soon([&] { return status_of(board, "hourly").runs == 1; }));
  }
  CHECK(std::chrono::steady_clock::now() - began < 10s);
}

TEST_CASE("the board says what is news") {
  TaskBoard board;
  board.add("flush", 1s);
  const auto at = TaskBoard::Steady::time_point(100s);
  const Result<void> full = fail(ErrorKind::exhausted, "disk full"),
                     gone = fail(ErrorKind::io, "no disk");
  board.began("flush", at);
  CHECK(board.all(at + 3s).front().running == 3s);
  CHECK_FALSE(board.ended("flush", at + 4s, 1000, {}));
  CHECK(board.all(at + 5s).front().took == 4s);
  CHECK(board.ended("flush", at + 5s, 1001, full));
  CHECK_FALSE(board.ended("flush", at + 6s, 1002, full));
  CHECK(board.ended("flush", at + 7s, 1003, gone));
  const TaskStatus failing = board.all().front();
  CHECK(failing.failures_in_row == 3);
  CHECK(failing.last_error_at == 1003);
  CHECK(board.ended("flush", at + 8s, 1004, {}));
  const TaskStatus well = board.all().front();
  CHECK(well.failures_in_row == 0);
  CHECK(well.failures == 3);
  CHECK(well.runs == 5);
  CHECK(well.last_error == "no disk");
}
