// An operator's word that a cluster's etcd is gone, where it is not.
#include "rollout/etcd_turn.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

constexpr const char* reinitialise = "/v1/operator/clusters/lab/reinitialise";

struct Masters : House {
  Masters() {
    apply(sample::cluster() + sample::node("m1", "master", 11) +
          sample::node("m2", "follower", 12) + sample::node("m3", "follower", 13));
    for (const char* name : {"m1", "m2", "m3"}) {
      REQUIRE(note_etcd_member(store, {"lab", name, "c1", name, 0}));
      tell(name);
    }
  }
  void tell(const std::string& name, const std::string& unwell = "") {
    static std::uint64_t counter = 0;
    Report report;
    report.boot_id = "b";
    report.counter = ++counter;
    report.verdict = Verdict::converged;
    report.etcd_cluster_id = "c1";
    report.etcd_member_id = name;
    if (!unwell.empty()) report.unwell = {{unwell, "no leader", 0}};
    hear({"lab", name}, report);
  }
  sample::Answer order(nlohmann::json more = nlohmann::json::object()) {
    more["confirm"] = "lab";
    return ask("POST", reinitialise, more);
  }
  nlohmann::json told() {
    return ask("GET", "/v1/operator/status").body.at("clusters")[0].at("reinitialisation");
  }
  std::string record() { return store.get(kinds::etcd, "lab")->value; }
};

}  // namespace

TEST_CASE(
    "an etcd that masters report to work is given up with --force alone, and they are named") {
  Masters house;
  const std::string before = house.record();
  const auto refused = house.order();
  CHECK(refused.status == 409);
  CHECK(
      refused.message() ==
      "cluster 'lab': m1, m2, m3 report an etcd that works, and what Kubernetes keeps there would be given up. To bring back one member that was lost: muster node replace NAME. If all of it is to go: repeat with --force");
  // The one whose etcd was stopped for the snapshot counts no more; nor one without a leader.
  house.tell("m3", "unit etcd.service");
  CHECK(house.order({{"restoredOn", "m1"}})
            .message()
            .starts_with("cluster 'lab': m2 report an etcd that works"));
  CHECK(house.record() == before);
  const auto done = house.order({{"restoredOn", "m1"}, {"force", true}});
  CHECK(done.status == 200);
  CHECK(done.body.at("givenUp") == nlohmann::json{"m2"});
}

TEST_CASE("silent masters have no etcd that works") {
  Masters house;
  house.time += std::chrono::minutes(10);
  CHECK(house.order().status == 200);
}

TEST_CASE(
    "an etcd that was given up is told by the status, and can be taken back until one starts") {
  Masters house;
  const std::string before = house.record();
  CHECK(house.told().is_null());
  REQUIRE(house.order({{"force", true}}).status == 200);
  CHECK(house.told().at("by") == "operator root");
  CHECK(house.told().at("orderedAt") == unix_seconds(house.time));
  CHECK(house.told().at("canBeCancelled") == true);
  // Ordered twice, what comes back is what was there first.
  REQUIRE(house.order({{"restoredOn", "m2"}, {"force", true}}).status == 200);
  CHECK(house.told().at("restoredOn") == "m2");
  REQUIRE(house.ask("POST", reinitialise, {{"cancel", true}}).status == 200);
  CHECK(house.record() == before);
  CHECK(house.told().is_null());
  CHECK(
      house.ask("POST", reinitialise, {{"cancel", true}}).message() ==
      "cluster 'lab': expected an order to reinitialise etcd to take back, found none; `muster status` shows those that stand");
}

TEST_CASE("what masters were given the right to start cannot be taken back") {
  Masters house;
  REQUIRE(house.order({{"force", true}}).status == 200);
  EtcdTurnQuestion question;
  question.cluster = "lab";
  question.masters = {{"m1", "10.77.0.11"}};
  question.node = "m1";
  REQUIRE(decide_etcd_turn(house.store, question, 1000)->action == "start-new");
  CHECK(house.told().at("canBeCancelled") == false);
  CHECK(
      house.ask("POST", reinitialise, {{"cancel", true}}).message() ==
      "cluster 'lab': its masters m1 were given the right to start a new etcd, which cannot be taken back; to go on with data that one of them has: muster cluster reinitialise lab --confirm --restored-on NODE");
  REQUIRE(note_etcd_member(house.store, {"lab", "m1", "c2", "1", 0}));
  CHECK(house.told().is_null());
}

TEST_CASE("the right to start that is given while the clock is behind has its whole time") {
  Masters house;
  REQUIRE(house.order({{"force", true}}).status == 200);
  house.apply(
      sample::cluster() + sample::node("m1", "master", 11) + sample::node("m2", "follower", 12),
      true);
  const Peer m1 = house.machine("m1"), m2 = house.machine("m2");
  const auto turn = [&](const Peer& peer) {
    const auto answer = house.ask("POST", "/v1/etcd/turn",
                                  {{"hasData", false},
                                   {"stateMountPresent", true},
                                   {"clusterId", ""},
                                   {"memberId", ""},
                                   {"peerAnswered", false}},
                                  peer);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer.body.at("action").get<std::string>();
  };
  const auto back = std::chrono::hours(1);
  house.time -= back;
  house.set_by -= back;
  REQUIRE(house.ask("GET", "/v1/operator/clock").body.at("believed") == false);
  CHECK(turn(m1) == "wait");
  CHECK(turn(m2) == "start-new");
  CHECK(turn(m1) == "start-new");
  // The clock is put right: nothing of ten minutes has passed.
  house.time += back;
  house.set_by += back;
  REQUIRE(note_etcd_member(house.store, {"lab", "m2", "c9", "2", unix_seconds(house.time) * 1000}));
  CHECK(turn(m1) == "start-new");
  house.time += std::chrono::minutes(11);
  CHECK(turn(m1) == "join");
}
