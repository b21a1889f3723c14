#include "agent/foundation/at_once.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace muster;

TEST_CASE("each index is worked on once, by as many threads as are wanted at most") {
  for (const std::size_t threads : {std::size_t{1}, std::size_t{4}, std::size_t{50}}) {
    std::vector<std::atomic<int>> worked(20);
    std::set<std::thread::id> who;
    std::mutex mutex;
    at_once(worked.size(), threads, [&](std::size_t i) {
      ++worked[i];
      const std::lock_guard lock(mutex);
      who.insert(std::this_thread::get_id());
    });
    for (const auto& count : worked) CHECK(count == 1);
    CHECK(who.size() <= threads);
  }
  at_once(0, 4, [](std::size_t) { FAIL("expected no call"); });
}
