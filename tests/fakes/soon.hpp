// The one wait of C++ tests: for an effect of another thread or process, never for a time.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace muster {

// Whether it comes to hold within ten seconds, which even a busy machine has: CHECK(soon(...)).
inline bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 1000 && !holds(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return holds();
}

}  // namespace muster
