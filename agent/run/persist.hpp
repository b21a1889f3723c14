// Patience with a server that is silent.
#pragma once

#include <algorithm>

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"

namespace muster {

// No answer, or none for now.
[[nodiscard]] inline bool is_silence(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
}

// Repeats `call` while the server is silent, with a growing pause, until `patience` is over.
template <class Call>
auto persist(Run& run, std::chrono::milliseconds patience, Call call) -> decltype(call()) {
  const Deadline end(run.host.clock, std::min(patience, run.deadline.left()));
  std::chrono::milliseconds pause(100);
  for (;;) {
    auto answer = call();
    if (answer || !is_silence(answer.error().error) || end.has_passed()) return answer;
    run.reporter.note_state(answer.error().error.message);
    run.host.clock.sleep(std::min(pause, end.left()));
    pause = std::min(pause * 2, std::chrono::milliseconds(5000));
  }
}

}  // namespace muster
