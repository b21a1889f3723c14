#include "agent/disturbance.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

struct DisturbanceFixture {
  static constexpr const char* unit = "containerd.service";
  Disturbances disturbances;
  static UnitStatus status(const std::string& active, std::uint32_t pid = 0,
                           std::uint32_t restarts = 0) {
    UnitStatus made{"loaded", active, pid};
    made.restarts = restarts;
    return made;
  }
  std::string look(const UnitStatus& now, bool is_boot = false) {
    disturbances.look({{unit, now}}, is_boot);
    const auto found = disturbances.found().find(unit);
    return found == disturbances.found().end() ? std::string() : found->second;
  }
};

}  // namespace

TEST_CASE_FIXTURE(DisturbanceFixture, "a unit that runs as before is in no trouble") {
  CHECK(look(status("active", 7, 2)).empty());  // what was before the attempt counts for nothing
  CHECK(look(status("active", 7, 2)).empty());
  disturbances.starting({unit});
  CHECK(look(status("active", 8, 0)).empty());
  CHECK(look(status("active", 8, 0)).empty());
}

TEST_CASE_FIXTURE(DisturbanceFixture, "one that systemd restarted is, also if it runs again") {
  CHECK(look(status("active", 7, 2)).empty());
  CHECK(look(status("active", 8, 3)) == "restarted by systemd");
  CHECK(look(status("active", 8, 3)) == "restarted by systemd");
}

TEST_CASE_FIXTURE(DisturbanceFixture, "one that somebody stopped and started is") {
  CHECK(look(status("active", 7)).empty());
  CHECK(look(status("active", 8)) == "started anew");
}

TEST_CASE_FIXTURE(DisturbanceFixture,
                  "one that is not there is; before its start in a boot it is not") {
  CHECK(look(status("inactive"), true).empty());
  disturbances.starting({unit});
  CHECK(look(status("activating"), true) == "activating");
}

TEST_CASE_FIXTURE(DisturbanceFixture, "one that was restarted since the agent started it is") {
  disturbances.starting({unit});
  CHECK(look(status("active", 7, 1), true) == "restarted by systemd");
}

TEST_CASE_FIXTURE(DisturbanceFixture, "one that stands still on a machine that runs is") {
  CHECK(look(status("inactive")) == "inactive");
}
