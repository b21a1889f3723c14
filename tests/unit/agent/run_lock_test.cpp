#include "agent/run_lock.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"
#include "fakes/scratch_folder.hpp"

using namespace muster;

TEST_CASE("a second run waits for the first, says so once, and gives up after the deadline") {
  const ScratchFolder folder;
  FakeClock clock;
  std::vector<std::string> told;
  const auto narrate = [&told](std::string_view line) { told.emplace_back(line); };
  {
    const auto first = take_run_lock(folder.path("lock"), clock, narrate);
    REQUIRE(first);
    CHECK(told.empty());
    const auto second = take_run_lock(folder.path("lock"), clock, narrate);
    REQUIRE_FALSE(second);
    CHECK(
        second.error().message ==
        "lock '" + folder.path("lock") +
            "': another run of muster-agent holds it for 10 minutes; see `systemctl status muster-agent`");
    CHECK(told == std::vector<std::string>{"waiting for the run that is under way"});
  }
  CHECK(take_run_lock(folder.path("lock"), clock, narrate));
}

TEST_CASE("a lock that cannot be made is told") {
  FakeClock clock;
  CHECK(take_run_lock("/nowhere/lock", clock, [](std::string_view) {}).error().message ==
        "lock '/nowhere/lock': No such file or directory");
}
