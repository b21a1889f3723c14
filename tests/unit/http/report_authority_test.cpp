// Whose word counts: of drains, of Nodes that are gone, of etcd.
#include "fleet/report_authority.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "sample_pool.hpp"

using namespace muster;
using sample::PoolHouse;

namespace {

nlohmann::json row(const std::string& node, bool done, const std::string& message = "") {
  return {{"node", node}, {"done", done}, {"message", message}};
}

}  // namespace

TEST_CASE("a worker ends no machine: what it says of the duties is not its to say") {
  PoolHouse house;
  house.start(3);
  REQUIRE(house.order("w-2", "remove").body.at("draining") == true);
  const nlohmann::json claim = {{"peersGeneration", 1000000000},
                                {"leaving", nlohmann::json::array()},
                                {"drains", {row("w-2", true)}}};
  house.report("w-1", claim, "w-1");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-2"));
  CHECK(house.state("w-2") == "removing");
  CHECK_FALSE(house.reports.find({"lab", "w-1"}).report->duties);
  // Nor does it free the place of one that left.
  REQUIRE(house.order("w-3", "remove", {{"drain", false}}).status == 200);
  house.report("w-1", claim, "w-1");
  CHECK(house.state("w-3") == "leaving");
  // A generation that was never published was not seen by the holder either.
  house.report("m-1", claim);
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-2"));
  house.report("m-1", house.duties({row("w-2", true)}));
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-2"));
}

TEST_CASE("one master of three ends no machine, whatever it claims: the others name the holder") {
  PoolHouse house;
  house.start(1);
  for (int i : {2, 3}) house.admit(fmt::format("m-{}", i), Role::follower, i);
  for (const char* name : {"m-1", "m-2"}) house.report(name, {}, "m-1");
  REQUIRE(house.order("w-1", "remove").body.at("draining") == true);
  house.report("m-3", house.duties({row("w-1", true)}), "m-3");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  house.report("m-1", house.duties({row("w-1", true)}), "m-1");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-1"));
}

TEST_CASE("a frozen master speaks for nobody") {
  PoolHouse house;
  house.start(1);
  REQUIRE(house.order("w-1", "remove").body.at("draining") == true);
  REQUIRE(freeze(house.enrolment, {"lab", "m-1"}, "two of them", "server"));
  house.report("m-1", house.duties({row("w-1", true)}), "m-1");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
}

TEST_CASE("a worker is no etcd, and no master for those who vanish") {
  PoolHouse house;
  house.start(1);
  house.report("w-1", {}, "", true);
  const Report kept = *house.reports.find({"lab", "w-1"}).report;
  CHECK(kept.etcd_member_id == "");
  CHECK(kept.etcd_cluster_id == "");
}
