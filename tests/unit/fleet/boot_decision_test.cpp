#include "fleet/boot_decision.hpp"

#include <doctest/doctest.h>

#include "pki/unix_seconds.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

const std::string before = "image-tower/1", wanted = "image-tower/2";

struct Tower {
  TimePoint now{std::chrono::seconds(1795242048)};
  BootRecord record;

  // What the server does when the machine comes: true: it starts by what its document names.
  bool start(const std::string& named = wanted) {
    const std::string image = is_to_go_back(record, named, now) ? record.good : named;
    note_handed_out(
        record,
        {image, named, "10.77.0.99", unix_microseconds(now) - 2'000'000, unix_seconds(now) + 900},
        now);
    return image == named;
  }
  bool report(const std::string& image, bool is_ready, const std::string& boot = "b1",
              std::uint64_t counter = 5'000'000) {
    Report said;
    said.boot_image = image;
    said.boot_id = boot;
    said.counter = counter;
    return note_report(record, said, is_ready, now);
  }
};

}  // namespace

TEST_CASE("an image that does not come to be Ready three times is left for the one that did") {
  Tower tower;
  CHECK(tower.start(before));
  CHECK(tower.report(before, true));
  CHECK(tower.record.starts == 0);
  for (int start = 1; start <= 3; ++start) {
    tower.now += 5min;
    CHECK(tower.start());
    CHECK(tower.record.starts == static_cast<std::uint32_t>(start));
  }
  CHECK(has_failed_to_start(tower.record, wanted));
  tower.now += 5min;
  CHECK_FALSE(tower.start());
  CHECK(tower.record.image == before);
  CHECK(tower.record.refused == wanted);
  // Ready by the one before; the other is not tried again by itself.
  CHECK(tower.report(before, true, "b2"));
  tower.now += 24h;
  CHECK_FALSE(tower.start());
  // Another image is another matter.
  CHECK(tower.start("image-tower/3"));
  CHECK(tower.record.refused.empty());
  CHECK(tower.report("image-tower/3", true, "b3"));
  CHECK(tower.record.good == "image-tower/3");
}

TEST_CASE("nobody is taken back behind what the machine itself said that it was Ready by") {
  Tower tower;
  CHECK(tower.start(before));
  CHECK(tower.report(before, true));
  CHECK(tower.start());
  CHECK(tower.report(wanted, true, "b2"));
  // Whoever asks in its name, as often as he likes.
  for (int start = 0; start < 20; ++start) {
    tower.now += 1min;
    CHECK(tower.start());
  }
  CHECK(tower.record.starts == 20);
  CHECK(tower.record.refused.empty());
}

TEST_CASE("a machine that was never Ready has nothing to go back to") {
  Tower tower;
  for (int start = 0; start < 5; ++start) {
    tower.now += 1min;
    CHECK(tower.start());
    CHECK(tower.report(wanted, false, "b" + std::to_string(start)));
  }
  CHECK(tower.record.starts == 5);
  CHECK(tower.record.good.empty());
}

TEST_CASE(
    "starts are counted while the claim of the one before is good, and firmware's haste is one") {
  Tower tower;
  tower.record.good = before;
  for (int start = 0; start < 9; ++start) {
    tower.now += 16min;
    CHECK(tower.start());
    CHECK(tower.record.starts == 1);
  }
  for (int again = 0; again < 9; ++again) {
    tower.now += 2s;
    CHECK(tower.start());
  }
  // Each again moved the start.
  CHECK(tower.record.starts == 1);
  for (int start = 0; start < 2; ++start) {
    tower.now += 20s;
    CHECK(tower.start());
  }
  CHECK(tower.record.starts == 3);
  tower.now += 16min;
  CHECK(tower.start());
  CHECK(tower.record.starts == 1);
}

TEST_CASE("a report is news once: of its boot, its image, when the kernel began, and Ready") {
  Tower tower;
  CHECK(tower.report(wanted, false));
  CHECK(tower.record.heard_at == unix_microseconds(tower.now));
  CHECK(tower.record.kernel_at == unix_microseconds(tower.now) - 5'000'000);
  tower.now += 3s;
  CHECK_FALSE(tower.report(wanted, false, "b1", 8'000'000));
  // One that waited for the server told too late a time.
  CHECK(tower.report(wanted, false, "b1", 9'000'000));
  CHECK(tower.report(wanted, true, "b1", 9'000'000));
  CHECK(tower.record.ready_at == unix_microseconds(tower.now));
  CHECK_FALSE(tower.report(wanted, true, "b1", 9'000'000));
  CHECK_FALSE(tower.report("", true, "b9"));  // from its disk
  Report absurd;
  absurd.boot_image = wanted;
  absurd.boot_id = "b2";
  absurd.counter = ~std::uint64_t{0};
  CHECK(note_report(tower.record, absurd, false, tower.now));
  CHECK(tower.record.kernel_at == 0);
}

TEST_CASE("the states of a boot") {
  Tower tower;
  const auto state = [&](const ToldScript& script, bool heard, bool ready) {
    return name(boot_state_of(tower.record, script, heard, ready));
  };
  const auto told = [&] { return ToldScript{wanted, "10.77.0.99", unix_microseconds(tower.now)}; };
  CHECK(state({}, false, false) == "unknown");
  CHECK(state(told(), false, false) == "accepted");
  const ToldScript script = told();
  tower.now += 5s;
  CHECK(tower.start());
  CHECK(state(script, false, false) == "provisioning");
  tower.now += 5s;
  CHECK(tower.report(wanted, false));
  CHECK(state(script, true, false) == "provisioning");
  CHECK(state(script, true, true) == "running");
  tower.now += 5s;
  CHECK(state(told(), true, true) == "accepted");  // it comes again
  tower.record.reprovision_at = 1;
  CHECK(state(told(), true, true) == "reprovision");
  // One that starts from its disk.
  tower.record = {};
  CHECK(state({}, true, true) == "running");
}

TEST_CASE("what the server saw of a start is before the kernel in one line of time") {
  Tower tower;
  CHECK(tower.start());
  tower.now += 8s;  // the kernel runs for 6.5 s, and was begun 1.5 s after the archive
  CHECK(tower.report(wanted, false, "b1", 6'500'000));
  BootTimeline reported{
      "b1", {{"kernel", 0, 4'000'000, ""}, {"userspace", 4'000'000, 0, ""}}, false};
  const BootTimeline whole = whole_timeline(reported, tower.record);
  REQUIRE(whole.phases.size() == 3);
  CHECK(whole.phases[0].name == "ipxe");
  CHECK(whole.phases[0].start_us == 0);
  CHECK(whole.phases[0].end_us == 3'500'000);
  CHECK(whole.phases[0].detail == "image-tower/2; its settings 2.00 s later");
  CHECK(whole.phases[1].start_us == 3'500'000);
  CHECK(whole.phases[1].end_us == 7'500'000);
  CHECK(whole.phases[2].end_us == 0);
  // Of another boot than that start's.
  reported.boot_id = "b2";
  CHECK(whole_timeline(reported, tower.record).phases.size() == 2);
}
