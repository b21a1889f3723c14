// Clusters on demand, and what the schedule has of them, where a row cannot be read.
#include "fleet/unread_records.hpp"

#include <doctest/doctest.h>

#include "fakes/unreadable.hpp"
#include "fleet/scheduler.hpp"
#include "sample_pool.hpp"

using namespace muster;
using sample::House;

namespace {

struct OnDemand : House {
  Scheduler scheduler{rooms, std::chrono::minutes(15), [](const OnDemandCluster&) {}};

  OnDemand() {
    const std::string text = sample::small_template();
    REQUIRE(ask("PUT", "/v1/operator/templates/small", {{"files", {{"s.yaml", text}}}}).status ==
            200);
  }
  sample::Answer create() {
    return ask("POST", "/v1/operator/clusters",
               {{"name", "ci"}, {"template", "small"}, {"nodes", 2}, {"ttlSeconds", 3600}});
  }
};

}  // namespace

TEST_CASE_FIXTURE(OnDemand, "a row of the schedule without a sound key is told until it is gone") {
  std::string key = "garbage";
  SUBCASE("one word") {}
  SUBCASE("no time") {
    key = "soon/cluster/ci";
  }
  REQUIRE(store.commit(Transaction().put(kinds::schedule, key, "{}")));
  for (int run = 0; run < 2; ++run) {
    const auto done = scheduler.carry_out_due();
    REQUIRE_FALSE(done);
    CHECK(done.error().message.ends_with(
        "schedule row '" + key +
        "': expected a key TIME/WHAT/NAME, WHAT cluster, member, released, lapse or sweep"));
  }
  REQUIRE(store.commit(Transaction().remove(kinds::schedule, key)));
  CHECK(scheduler.carry_out_due());
}

TEST_CASE_FIXTURE(OnDemand,
                  "a cluster whose order cannot be read ends by its name, which is free") {
  CHECK(create().status == 200);
  make_unreadable(store, kinds::on_demand, "ci");
  const auto refused = ask("DELETE", "/v1/operator/clusters/ci");
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "confirmation");
  CHECK(refused.body.at("message").get<std::string>().ends_with(
      ". To end it whatever can be read of it: muster cluster delete ci --confirm ci"));
  const auto ended = ask("DELETE", "/v1/operator/clusters/ci?confirm=ci");
  CHECK_MESSAGE(ended.status == 200, ended.body.dump());
  CHECK(ask("GET", "/v1/operator/status").body.at("quarantined").empty());
  CHECK(create().status == 200);
}
