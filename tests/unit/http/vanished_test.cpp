// Members that are not heard of any more.
#include <limits>

#include "enrolment/join_token.hpp"
#include "fleet/scheduler.hpp"
#include "publish/retired_members.hpp"
#include "sample_pool.hpp"

using namespace muster;
using sample::PoolHouse;

TEST_CASE("a member that vanished is told of early, then removed") {
  PoolHouse house(", vanishedAfter: 20m");
  house.start(3);
  VanishWatch watch;
  const auto pass_time = [&](std::chrono::seconds seconds) {
    house.time += seconds;
    for (const char* name : {"m-1", "w-1", "w-2"}) house.report(name);
    REQUIRE(watch.look(house.rooms));
    REQUIRE(house.publisher.look());
  };
  pass_time(std::chrono::minutes(6));
  CHECK(house.state("w-3") == "silent");
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/w-3").body.at("vanishesAt") == 0);
  pass_time(std::chrono::minutes(4));
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/w-3").body.at("vanishesAt") ==
        unix_seconds(sample::now) + 1200);
  CHECK(house.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("vanishing") == 1);
  pass_time(std::chrono::minutes(9));
  CHECK(house.is_served("w-3"));
  pass_time(std::chrono::minutes(1));
  CHECK_FALSE(house.is_served("w-3"));
  CHECK(house.is_served("w-1"));
  CHECK(house.state("w-3") == "leaving");
  CHECK(house.ask("GET", "/v1/operator/audit?limit=1000").body.dump().find("\"vanished\"") !=
        std::string::npos);
}

TEST_CASE("a network that is cut removes nobody, and a restarted server starts to count anew") {
  PoolHouse house;
  house.start(4);
  VanishWatch watch;
  house.time += std::chrono::hours(2);
  REQUIRE(watch.look(house.rooms));  // nobody is heard of
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  house.report("m-1");  // one of five
  house.time += std::chrono::seconds(31);
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  for (const char* name : {"w-1", "w-2"}) house.report(name);
  house.reports.begin(house.clock.since_boot() - 29 * 60);
  house.time += std::chrono::seconds(31);
  REQUIRE(watch.look(house.rooms));  // three of five, and the server is not up for long enough
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-3"));
  house.time += std::chrono::seconds(31);
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  // A tenth of the cluster, at least one, in ten minutes.
  CHECK(house.is_served("w-3") != house.is_served("w-4"));
  house.time += std::chrono::seconds(31);
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-3") != house.is_served("w-4"));
}

TEST_CASE("a clock that is set ahead makes nobody vanish, nor does its confirmation") {
  PoolHouse house;
  house.start(4);
  VanishWatch watch;
  const auto all_report = [&] {
    for (const char* name : {"m-1", "w-1", "w-2", "w-3"}) house.report(name);
  };
  house.time += std::chrono::minutes(10);
  all_report();
  REQUIRE(house.clock.believed_now());
  house.time += std::chrono::hours(24);
  house.set_by += std::chrono::hours(24);
  all_report();
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-4"));
  REQUIRE(house.ask("POST", "/v1/operator/clock/confirm", {{"time", unix_seconds(house.time)}})
              .status == 200);
  all_report();
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-4"));
  house.time += std::chrono::minutes(31);
  all_report();
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-4"));
}

TEST_CASE(
    "a machine that left is refused until its certificates are over by a clock that is believed") {
  sample::House house;
  house.apply(sample::small_inventory() + sample::node("n2", "node", 22));
  house.apply(sample::small_inventory(), true);
  const auto refused = [&] {
    REQUIRE(republish(house.publishing, "lab", "server"));
    return read_document(*house.current.document("lab", "m1"))->config.banned_machines;
  };
  CHECK(refused() == std::vector<std::string>{"n2"});
  const std::chrono::hours years(24 * 1000);
  house.time += years;
  house.set_by += years;
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(refused() == std::vector<std::string>{"n1", "n2"});
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/unban").status == 200);
  house.time -= years;
  house.set_by -= years;
  CHECK(refused() == std::vector<std::string>{"n2"});
  house.time += years;
  CHECK(refused().empty());
}

TEST_CASE("masters, and members of a pool that says never, do not vanish") {
  PoolHouse house(", vanishedAfter: never");
  house.start(3);
  house.admit("m-2", Role::follower, 2);
  VanishWatch watch;
  house.time += std::chrono::hours(50);
  for (const char* name : {"m-1", "w-1", "w-2"}) house.report(name);
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-3"));
  CHECK(house.is_served("m-2"));
}

TEST_CASE("a member that never reported vanishes, too") {
  PoolHouse house;
  house.start(1);
  house.admit("w-2", Role::node, 12);
  VanishWatch watch;
  house.time += std::chrono::minutes(30);
  for (const char* name : {"m-1", "w-1"}) house.report(name);
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-2"));
}

TEST_CASE("a banned member does not vanish: what it says is refused") {
  PoolHouse house(", vanishedAfter: 20m");
  house.start(3);
  VanishWatch watch;
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/w-3/ban", {{"reason", "stolen"}}).status ==
          200);
  const auto pass_time = [&](std::chrono::seconds seconds) {
    house.time += seconds;
    for (const char* name : {"m-1", "w-1", "w-2"}) house.report(name);
    REQUIRE(watch.look(house.rooms));
    REQUIRE(house.publisher.look());
  };
  pass_time(std::chrono::minutes(19));
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/w-3").body.at("vanishesAt") == 0);
  pass_time(std::chrono::minutes(61));
  CHECK(house.is_served("w-3"));
  CHECK(find_machine(house.store, {"lab", "w-3"})->ban);
}
