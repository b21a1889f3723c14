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

TEST_CASE("a member whose record cannot be read is told by name; its removal begins it anew") {
  sample::PoolHouse house;
  house.start(2);
  const auto member = find_member(house.store, "lab", "w-1").value()->record;
  make_unreadable(house.store, kinds::member, "lab/w-1");
  const auto rows = [&] { return house.ask("GET", "/v1/operator/status").body.at("quarantined"); };
  REQUIRE(rows().size() == 1);
  CHECK(rows()[0].at("reason").get<std::string>().starts_with("member 'lab/w-1': "));
  CHECK(
      rows()[0].at("cure") ==
      "of a member that is named here, NAME: muster node remove NAME --cluster lab, which begins its record anew from what it is served, drains and removes it (muster node undrain NAME --cluster lab, and it stays); with --no-drain at once; of one that was removed, too");
  std::string order = "remove";
  nlohmann::json body = nlohmann::json::object();
  SUBCASE("drained first, and kept after all") {}
  SUBCASE("at once") {
    body["drain"] = false;
  }
  CAPTURE(body);
  const auto removed = house.order("w-1", "remove", body);
  CHECK_MESSAGE(removed.status == 200, removed.body.dump());
  CHECK(rows().empty());
  REQUIRE(house.views.load());
  CHECK(rows().empty());
  const auto anew = find_member(house.store, "lab", "w-1").value()->record;
  CHECK(anew.pool == "w");
  CHECK(anew.role == Role::node);
  CHECK(anew.address == member.address);
  CHECK((anew.removed_at != 0) == body.contains("drain"));
  CHECK(house.is_served("w-1") != body.contains("drain"));
  CHECK(house.order("w-2", "ban", {{"reason", "stolen"}}).status == 200);
  if (body.contains("drain")) return;
  REQUIRE(house.order("w-1", "undrain").status == 200);
  CHECK(house.state("w-1") == "enrolled");
}
