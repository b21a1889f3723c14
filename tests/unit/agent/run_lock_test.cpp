#include "agent/run_lock.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"
#include "fakes/scratch_folder.hpp"

using namespace muster;

namespace {

constexpr const char* rest_of_stat = " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 100 0\n";

void put_holder(FakeFilesystem& files, char state) {
  files.put("/proc/locks",
            "1: POSIX  ADVISORY  WRITE 12 fd:01:77 0 EOF\n"
            "2: FLOCK  ADVISORY  WRITE 13 fd:01:78 0 EOF\n"
            "3: FLOCK  ADVISORY  WRITE 4711 fd:01:1310 0 EOF\n");
  files.put("/proc/13/comm", "other\n");
  files.put("/proc/4711/comm", "muster-agent\n");
  files.put("/proc/4711/cmdline", std::string("muster-agent\0converge\0", 22));
  files.put("/proc/4711/stat", std::string("4711 (muster-agent) ") + state + rest_of_stat);
}

}  // namespace

TEST_CASE("a second run waits for the first, says so once, and tells who does not end") {
  const ScratchFolder folder;
  FakeHost machine;
  std::vector<std::string> told;
  const auto narrate = [&told](std::string_view line) { told.emplace_back(line); };
  const auto take = [&] {
    return take_run_lock(folder.path("."), machine.host, std::chrono::seconds(60), narrate);
  };
  {
    const auto first = take();
    REQUIRE(first);
    CHECK(told.empty());
    put_holder(machine.files, 'T');
    const auto second = take();
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::timeout);
    const std::string holder =
        "process 4711 (muster-agent converge), which runs since 2026-11-18T11:06:36Z and is suspended; let it go on: kill -CONT 4711, or end it: kill -KILL 4711";
    CHECK(second.error().message == "another run of muster-agent does not end: " + holder);
    CHECK(told == std::vector<std::string>{"waiting for the run that is under way: " + holder});
    CHECK(machine.clock.since_boot() < std::chrono::seconds(66));
  }
  CHECK(take());
}

TEST_CASE("who holds the lock is told as far as it is to be seen") {
  FakeHost machine;
  CHECK(lock_holder(machine.host) == "a process that is not to be seen");
  put_holder(machine.files, 'S');
  CHECK(
      lock_holder(machine.host) ==
      "process 4711 (muster-agent converge), which runs since 2026-11-18T11:06:36Z; wait for it, or end it: kill 4711");
}

TEST_CASE("a lock that cannot be made is told") {
  FakeHost machine;
  CHECK(take_run_lock("/nowhere", machine.host, std::chrono::seconds(1), [](std::string_view) {})
            .error()
            .message == "lock '/nowhere': No such file or directory");
}

TEST_CASE("what is in the place of the state folder is set aside") {
  FakeHost machine;
  machine.files.put(paths::state, "x");
  std::vector<std::string> told;
  // The fake's folder is none that the kernel could lock.
  static_cast<void>(take_run_lock(machine.host, std::chrono::seconds(0),
                                  [&](std::string_view line) { told.emplace_back(line); }));
  REQUIRE(told.size() >= 1);
  CHECK(told.front() == "/var/lib/muster was no folder: set aside as /var/lib/muster.damaged");
  CHECK(machine.files.text("/var/lib/muster.damaged") == "x");
  CHECK(machine.files.status(paths::state)->type == FileStatus::Type::directory);
}
