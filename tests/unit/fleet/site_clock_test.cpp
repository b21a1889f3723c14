#include "fleet/site_clock.hpp"

#include <doctest/doctest.h>

#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/clock_record.hpp"
#include "store/memory_store.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t first_time = 1'796'000'000;

struct Clocks {
  MemoryStore store;
  std::int64_t wall = first_time, boot = 1000;
  SiteClock clock = started();

  SiteClock started() {
    return SiteClock(
        {[this] { return TimePoint(std::chrono::seconds(wall)); }, [this] { return boot; }});
  }
  // A server that starts again.
  void start(SiteClock& at, std::int64_t newest = 0) { REQUIRE(at.load(store, newest)); }
  void pass(std::int64_t seconds) {
    wall += seconds;
    boot += seconds;
  }
  std::int64_t written() { return find_highest_time(store)->value_or(0); }
};

constexpr std::int64_t one_day = 24 * 3600;

}  // namespace

TEST_CASE("the highest time is written every five minutes, while it is believed") {
  Clocks at;
  at.start(at.clock);
  REQUIRE(at.clock.keep(at.store));
  CHECK(at.written() == first_time);
  at.pass(299);
  REQUIRE(at.clock.keep(at.store));
  CHECK(at.written() == first_time);
  at.pass(1);
  REQUIRE(at.clock.keep(at.store));
  CHECK(at.written() == first_time + 300);
  at.wall += 31 * one_day;
  at.pass(600);
  REQUIRE(at.clock.keep(at.store));
  CHECK(at.written() == first_time + 300);
}

TEST_CASE("a clock that is set ahead for a moment is not believed for that moment") {
  Clocks at;
  at.start(at.clock);
  CHECK(at.clock.believed_now());
  at.wall += 31 * one_day;
  at.pass(5);
  CHECK_FALSE(at.clock.believed_now());
  CHECK(unix_seconds(at.clock.earliest_now()) == first_time + 5);
  const ClockStatus status = at.clock.status();
  CHECK(status.lead == 31 * one_day);
  CHECK(
      status.message ==
      "the clock was set while the server ran: it is 31d 0h ahead of the time that has passed since; nothing ends or expires until it is believed");
  CHECK(
      status.cure ==
      "put the clock right, or, if it is right now, run `muster clock confirm`; what machines say does not count here");
  for (const char* machine : {"m1", "m2", "m3", "m4"}) at.clock.hear(machine, at.wall);
  CHECK_FALSE(at.clock.believed_now());
  at.wall -= 31 * one_day;
  CHECK(at.clock.believed_now());
  // The machines stay there: somebody is wrong, and a person has to say who.
  CHECK(at.clock.status().message.starts_with("this server's clock is the odd one: it is 31d 0h"));
}

TEST_CASE("after a month without a server, three machines or an operator are believed") {
  Clocks at;
  at.start(at.clock);
  REQUIRE(at.clock.keep(at.store));
  at.wall += 31 * one_day;
  at.boot = 50;
  SiteClock later = at.started();
  at.start(later);
  CHECK_FALSE(later.believed_now());
  CHECK(
      later.status().message ==
      "the clock is 31d 0h ahead of the last time that is known to this site; nothing ends or expires until it is believed");
  later.hear("machine lab/m1", at.wall - 200);
  later.hear("machine lab/m1", at.wall);
  later.hear("machine lab/n1", at.wall + 10);
  later.hear("machine lab/n2", 0);  // an agent that said nothing
  later.hear("machine lab/n3", std::numeric_limits<std::int64_t>::max());
  CHECK(
      later.status().cure ==
      "machines that report will settle it: 3 must agree with it, and more than do not; 2 so far, 0 not; or look at the clock and run `muster clock confirm`");
  SUBCASE("machines") {
    later.hear("machine lab/n2", at.wall);
    CHECK(later.believed_now());
    REQUIRE(later.keep(at.store));
  }
  SUBCASE("an operator") {
    const auto refused = later.confirm(at.store, at.wall - 301, "operator anna");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "clock_differs");
    CHECK(refused.error().kind == ErrorKind::conflict);
    CHECK(
        refused.error().message ==
        "clock: expected this server's within 300 s of yours, found 2026-12-31T00:53:20Z here and 2026-12-31T00:48:19Z there; put the wrong one right, then confirm");
    CHECK_FALSE(later.believed_now());
    REQUIRE(later.confirm(at.store, at.wall - 300, "operator anna"));
    CHECK(later.believed_now());
    const auto audit = list_audit(at.store, "", 10).value();
    REQUIRE(audit.size() == 1);
    CHECK(audit[0].actor == "operator anna");
    CHECK(audit[0].action == "clock-confirmed");
    CHECK(audit[0].detail == "2026-12-31T00:53:20Z, 2678400 s from what was expected");
    // There is nothing left to confirm, and nothing more to tell of.
    REQUIRE(later.confirm(at.store, at.wall, "operator anna"));
    CHECK(list_audit(at.store, "", 10)->size() == 1);
  }
  CHECK(at.written() == at.wall);
}

TEST_CASE("a step that is real is confirmed, in both directions, and holds over a restart") {
  for (const std::int64_t step : {31 * one_day, one_day, -one_day, -31 * one_day}) {
    CAPTURE(step);
    Clocks at;
    at.start(at.clock);
    REQUIRE(at.clock.keep(at.store));
    at.wall += step;
    CHECK_FALSE(at.clock.believed_now());
    REQUIRE(at.clock.confirm(at.store, at.wall, "operator anna"));
    CHECK(at.clock.believed_now());
    SiteClock later = at.started();
    at.start(later);
    CHECK(later.believed_now());
  }
}

TEST_CASE("a store of before knows the time by its newest report") {
  Clocks at;
  at.start(at.clock, first_time - 60);
  CHECK(at.clock.believed_now());
  SiteClock later = at.started();
  at.start(later, first_time - 31 * one_day);
  CHECK_FALSE(later.believed_now());
  SiteClock fresh = at.started();
  at.start(fresh);
  CHECK(fresh.believed_now());
}

TEST_CASE("where most machines agree with one another and not with the server, its clock is told") {
  Clocks at;
  at.start(at.clock);
  const auto hear = [&](const char* machine, std::int64_t ahead) {
    at.clock.hear(machine, at.wall + ahead);
  };
  hear("m1", 600);
  hear("m2", 610);
  hear("n1", 0);
  CHECK(at.clock.status().message.empty());  // two are no majority, and no three
  hear("n2", 590);
  const ClockStatus odd = at.clock.status();
  CHECK(odd.is_believed);
  CHECK(
      odd.message ==
      "this server's clock is the odd one: it is 10m 0s behind those of 3 of the 4 machines that report, which agree with one another");
  CHECK(
      odd.cure ==
      "put this server's clock right (`timedatectl set-ntp true`), then run `muster clock confirm`; if it is right, the time source of those machines is wrong");
  REQUIRE(at.clock.keep(at.store));
  at.pass(10);
  CHECK_FALSE(at.clock.status().message.empty());
  // It is put right: of a step while it runs an operator is asked, and nothing else is told.
  at.wall += 600;
  CHECK(at.clock.status().message.find("odd") == std::string::npos);
}

TEST_CASE("machines that agree with the server, or with nobody, say nothing of its clock") {
  Clocks at;
  at.start(at.clock);
  for (const char* machine : {"m1", "m2", "m3"}) at.clock.hear(machine, at.wall - 25);
  CHECK(at.clock.status().message.empty());
  at.clock.hear("m1", at.wall - 4000);
  at.clock.hear("m2", at.wall - 500);
  at.clock.hear("m3", at.wall + 900);
  CHECK(at.clock.status().message.empty());
  // What was said long ago counts no more.
  for (const char* machine : {"m1", "m2", "m3"}) at.clock.hear(machine, at.wall - 600);
  CHECK_FALSE(at.clock.status().message.empty());
  at.pass(901);
  REQUIRE(at.clock.keep(at.store));
  CHECK(at.clock.status().message.empty());
}
