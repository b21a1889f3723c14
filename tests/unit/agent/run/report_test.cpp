#include "agent/run/report.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

TEST_CASE("phases count from power-on and begin with the boot before the agent") {
  FakeHost machine;
  Checkpoint checkpoint;
  Memory memory;
  Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
  reporter.begin("fetch");
  machine.clock.sleep(std::chrono::seconds(2));
  static_cast<void>(reporter.finish(Verdict::converged, "", ""));
  const auto& phases = reporter.report().phases;
  REQUIRE(phases.size() == 3);
  CHECK(phases[0].name == "kernel");
  CHECK(phases[0].start_us == 1'000'000);
  CHECK(phases[0].end_us == 3'000'000);
  CHECK(phases[1].name == "userspace");
  // Five seconds of kernel time after one second of firmware.
  CHECK(phases[1].end_us == 6'000'000);
  CHECK(phases[2].name == "fetch");
  CHECK(phases[2].start_us == 6'000'000);
  CHECK(phases[2].end_us == 8'000'000);
}

TEST_CASE("phases are told at most once a second, the verdict always") {
  FakeHost machine;
  FakeSite site(machine.clock);
  FakeServer server(site);
  Checkpoint checkpoint;
  Memory memory;
  Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
  reporter.connect(&server);
  reporter.begin("a");
  reporter.begin("b");
  CHECK(site.reports.size() == 1);
  machine.clock.sleep(std::chrono::seconds(1));
  reporter.begin("c");
  CHECK(site.reports.size() == 2);
  static_cast<void>(reporter.finish(Verdict::failed, "disk", "full"));
  REQUIRE(site.reports.size() == 3);
  CHECK(site.reports[2].failure_class == "disk");
  CHECK(site.reports[0].counter < site.reports[1].counter);
  CHECK(site.reports[1].counter < site.reports[2].counter);
}

TEST_CASE("an operator's order is heard whichever report is told of it") {
  FakeHost machine;
  FakeSite site(machine.clock);
  FakeServer server(site);
  Checkpoint checkpoint;
  Memory memory;
  {
    Reporter away(machine.host, checkpoint, memory, [](std::string_view) {});
    static_cast<void>(away.finish(Verdict::failed, "network", "away"));
  }
  Reporter first(machine.host, checkpoint, memory, [](std::string_view) {});
  first.connect(&server);
  site.converge_ordered = true;
  CHECK(first.finish(Verdict::pending_changes, "", "").converge);  // the spooled one was told
  CHECK(site.reports.size() == 2);
  Reporter second(machine.host, checkpoint, memory, [](std::string_view) {});
  second.connect(&server);
  site.converge_ordered = true;
  second.begin("fetch");
  site.is_away = true;
  CHECK(second.finish(Verdict::pending_changes, "", "").converge);
  Reporter third(machine.host, checkpoint, memory, [](std::string_view) {});
  CHECK_FALSE(third.finish(Verdict::pending_changes, "", "").converge);
}

TEST_CASE("reports wait on disk while the server is away, and not without bound") {
  FakeHost machine;
  FakeSite site(machine.clock);
  FakeServer server(site);
  Checkpoint checkpoint;
  for (std::size_t i = 0; i < spool_limit + 5; ++i) {
    Memory memory;
    machine.clock.sleep(std::chrono::seconds(1));
    Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
    static_cast<void>(reporter.finish(Verdict::failed, "network", "away"));
  }
  CHECK(machine.files.list(paths::report_spool)->size() == spool_limit);
  machine.clock.sleep(std::chrono::seconds(1));
  Memory memory;
  Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
  reporter.connect(&server);
  static_cast<void>(reporter.finish(Verdict::converged, "", ""));
  REQUIRE(site.reports.size() == spool_limit + 1);
  for (std::size_t i = 1; i < site.reports.size(); ++i) {
    CHECK(site.reports[i - 1].counter < site.reports[i].counter);
  }
  CHECK(machine.files.list(paths::report_spool)->empty());
}

TEST_CASE("numbers of reports grow within a boot, whoever tells them and with or without a disk") {
  FakeHost machine;
  FakeSite site(machine.clock);
  FakeServer server(site);
  const auto report = [&](Memory& memory) {
    machine.clock.sleep(std::chrono::milliseconds(1));
    Checkpoint checkpoint = *load_checkpoint(machine.files);
    Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
    reporter.connect(&server);
    static_cast<void>(reporter.finish(Verdict::converged, "", ""));
    return site.reports.back().counter;
  };
  Memory daemon, by_hand;
  CHECK(report(daemon) == 5'001'000);
  CHECK(report(daemon) == 5'002'000);
  CHECK(report(by_hand) == 5'003'000);
  CHECK(report(daemon) == 5'004'000);
  // An agent that starts on a full disk tells of it.
  machine.files.crash_at = machine.files.calls;
  Memory on_full_disk;
  CHECK(report(on_full_disk) == 5'005'000);
}
