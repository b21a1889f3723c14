#include "agent/duties/lease.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace muster;
using namespace std::chrono;

TEST_CASE("what somebody wrote into the Lease is reckoned with, whatever it says") {
  const auto now = system_clock::from_time_t(1'795'241'403);
  LeaseView lease;
  lease.holder = "m2";
  for (const char* renewed : {"9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "soon"}) {
    lease.renewed = renewed;
    CHECK(next_lease_step(lease, "m1", now, seconds(0)) == LeaseStep::leave);
    CHECK(next_lease_step(lease, "m1", now, seconds(180)) == LeaseStep::leave);
    CHECK(next_lease_step(lease, "m1", now, seconds(181)) == LeaseStep::take);
    // The holder itself writes what is right.
    CHECK(next_lease_step(lease, "m2", now, seconds(0)) == LeaseStep::renew);
  }
  lease.transitions = std::numeric_limits<int>::max();
  CHECK(lease_object(lease, "m1", now).find("\"leaseTransitions\":2147483647") !=
        std::string::npos);
}

TEST_CASE("a Lease is as old as this machine saw it, over a restart of the agent too") {
  LeaseView lease;
  lease.holder = "m2";
  lease.renewed = "2026-11-21T06:46:45.282260Z";
  lease.resource_version = "7";
  const auto first = look_at_lease(lease, std::nullopt, seconds(100));
  CHECK(first.since == seconds(100));
  const auto kept = parse_seen_lease(to_text(first));
  REQUIRE(kept);
  CHECK(look_at_lease(lease, kept, seconds(250)).since == seconds(100));
  lease.resource_version = "8";
  CHECK(look_at_lease(lease, kept, seconds(250)).since == seconds(250));
  // Of another boot, or nothing that was written here.
  lease.resource_version = "7";
  CHECK(look_at_lease(lease, kept, seconds(40)).since == seconds(40));
  for (const char* text : {"", "x", "12", "12 x"}) CHECK_FALSE(parse_seen_lease(text));
}

TEST_CASE("a holder whose clock is ahead is told") {
  const auto now = system_clock::from_time_t(1'795'241'403);
  LeaseView lease;
  lease.holder = "m2";
  lease.renewed = micro_time(now + seconds(60));
  CHECK(clock_trouble(lease, "m1", now).empty());
  lease.renewed = micro_time(now + seconds(3600));
  CHECK(
      clock_trouble(lease, "m1", now) ==
      "m2 renewed the Lease of the duties at 2026-11-21T07:10:03.000000Z, 3600 s after this machine's 2026-11-21T06:10:03Z; one of the two clocks is wrong: run `timedatectl` on both");
  CHECK(clock_trouble(lease, "m2", now).empty());
}
