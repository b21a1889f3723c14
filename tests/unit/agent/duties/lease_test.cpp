#include "agent/duties/lease.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace muster;
using namespace std::chrono;

TEST_CASE("what somebody wrote into the Lease is reckoned with, whatever it says") {
  const auto now = system_clock::from_time_t(1'795'241'403);
  LeaseView lease;
  lease.holder = "m2";
  lease.renewed = "9999-12-31T23:59:59Z";
  CHECK(next_lease_step(lease, "m1", now) == LeaseStep::leave);
  lease.renewed = "0000-01-01T00:00:00Z";
  CHECK(next_lease_step(lease, "m1", now) == LeaseStep::take);
  lease.renewed = "soon";
  CHECK(next_lease_step(lease, "m1", now) == LeaseStep::take);
  lease.transitions = std::numeric_limits<int>::max();
  CHECK(lease_object(lease, "m1", now).find("\"leaseTransitions\":2147483647") !=
        std::string::npos);
}
