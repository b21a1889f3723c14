// What others commit between a decision's look at the records and its commit: it is looked at
// again.
#include "sample_on_demand.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::OnDemand;

TEST_CASE_FIXTURE(OnDemand, "a cluster that is extended while its end is carried out lives on") {
  create("ci");
  time += 4h;
  hooked.before_commit = [&] {
    const auto extended = ask("POST", "/v1/operator/clusters/ci/extend", {{"ttlSeconds", 28800}});
    REQUIRE_MESSAGE(extended.status == 200, extended.body.dump());
  };
  REQUIRE(scheduler.carry_out_due());
  CHECK(ask("GET", "/v1/operator/clusters").body["clusters"].size() == 1);
  CHECK(audit("cluster-expired").empty());
  pass(8h);
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
}

TEST_CASE_FIXTURE(OnDemand, "a cluster whose record is written while its time is over ends") {
  create("ci");
  time += 4h;
  hooked.before_commit = [&] {
    REQUIRE(ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 3}}).status == 200);
  };
  REQUIRE(scheduler.carry_out_due());
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
}
