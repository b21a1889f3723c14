#include "agent/foundation/at_once.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace muster {

void at_once(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(threads, count)) others.emplace_back(take);
  } catch (const std::system_error&) {
    // What is there does it.
  }
  take();
}

}  // namespace muster
