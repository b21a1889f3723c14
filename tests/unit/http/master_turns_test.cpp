// `muster node converge` of three masters, as their agents and the operator see it.
#include "fleet/master_turns.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "fakes/unreadable.hpp"
#include "rollout/turns.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

struct TurnHouse : House {
  std::map<std::string, Peer> peers;
  std::uint64_t counter = 0;

  TurnHouse() {
    apply(sample::cluster() + sample::node("m1", "master", 11) +
          sample::node("m2", "follower", 12) + sample::node("m3", "follower", 13) +
          sample::node("n1", "node", 21));
    for (const char* name : {"m1", "m2", "m3", "n1"}) {
      peers[name] = machine(name);
      hears(name, Verdict::pending_changes);
    }
  }
  // Whether the answer to this report says converge.
  bool hears(const std::string& name, Verdict verdict) {
    return report(name, verdict).at("converge").get<bool>();
  }
  nlohmann::json report(const std::string& name, Verdict verdict, bool asks_turn = false) {
    Report made;
    made.asks_turn = asks_turn;
    made.machine_id = made.boot_id = name;
    made.counter = ++counter;
    made.verdict = verdict;
    made.generation = current.document("lab", name)->generation;
    if (verdict == Verdict::pending_changes) made.pending = {"containerd.service: restart: x"};
    if (name != "n1" && verdict != Verdict::failed) {
      made.etcd_cluster_id = "c";
      made.etcd_member_id = "e" + name;
    }
    const auto answer =
        ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), peers[name]);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer.body;
  }
  sample::Answer order(const std::string& name, bool cancel = false) {
    nlohmann::json body = nlohmann::json::object();
    if (cancel) body["cancel"] = true;
    return ask("POST", "/v1/operator/nodes/lab/" + name + "/converge", body);
  }
  nlohmann::json turn(const std::string& name) {
    return ask("GET", "/v1/operator/nodes/lab/" + name).body.at("turn");
  }
};

}  // namespace

TEST_CASE_FIXTURE(TurnHouse, "three masters take their turns one after the other") {
  CHECK(order("m1").body.at("waitsFor") == "");
  CHECK(order("m2").body.at("waitsFor") == "m1 has the turn");
  CHECK(order("m3").body.at("waitsFor") == "m1 has the turn");
  CHECK(turn("m1").at("state") == "holds");
  CHECK(turn("m1").at("message") == "it hears of it when it next reports");
  CHECK(turn("m2").at("state") == "waits");
  CHECK(turn("m2").at("by") == "operator root");
  CHECK(turn("m2").at("message") == "m1 has the turn");
  CHECK(turn("n1").is_null());
  const auto status = ask("GET", "/v1/operator/status").body.at("clusters")[0].at("turns");
  CHECK(status.at("m1").at("state") == "holds");
  CHECK(status.size() == 3);
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK(hears("m1", Verdict::pending_changes));
  CHECK(turn("m1").at("message") == "until it reports that it converged");
  CHECK_FALSE(hears("m1", Verdict::converging));
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(hears("m1", Verdict::converged));
  CHECK(hears("m2", Verdict::pending_changes));
  // m2 fails in its turn: m3 waits, until a person decides.
  CHECK_FALSE(hears("m2", Verdict::failed));
  CHECK(
      turn("m2").at("message") ==
      "until it reports that it converged; now: failed; `muster node converge m2 --cancel` ends its turn");
  time += std::chrono::hours(3);
  CHECK_FALSE(hears("m1", Verdict::converged));
  CHECK_FALSE(hears("m3", Verdict::pending_changes));
  CHECK(order("m2", true).status == 200);
  CHECK(turn("m2").is_null());
  // It is not up: of three the other two are.
  CHECK(turn("m3").at("state") == "waits");
  CHECK(turn("m3").at("message") ==
        "m2 (not heard of for 10800 s): of etcd's 3 members 1 others are up, a quorum is 2");
  hears("m2", Verdict::pending_changes);
  CHECK(hears("m3", Verdict::pending_changes));
  CHECK_FALSE(hears("m3", Verdict::converged));
  CHECK(store.get(kinds::turn, "lab").error().kind == ErrorKind::not_found);
  const auto none = order("m3", true);
  CHECK(none.status == 404);
}

TEST_CASE_FIXTURE(TurnHouse, "an order on the master itself takes its turn like any other") {
  const auto given = report("m1", Verdict::pending_changes, true);
  CHECK(given.at("converge") == true);
  CHECK_FALSE(given.contains("turnWaitsFor"));
  const auto waits = report("m2", Verdict::pending_changes, true);
  CHECK(waits.at("converge") == false);
  CHECK(waits.at("turnWaitsFor") == "m1 has the turn");
  CHECK(turn("m2").at("by") == "machine lab/m2");
  // The order stands, though only that one report asked.
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(hears("m1", Verdict::converged));
  CHECK(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(ask("GET", "/v1/operator/nodes/lab/m2").body.at("report").contains("asksTurn"));
}

TEST_CASE_FIXTURE(TurnHouse, "a node takes its order with its next report, whoever has the turn") {
  order("m1");
  CHECK(order("n1").body.at("waitsFor") == "");
  CHECK(hears("n1", Verdict::pending_changes));
  CHECK_FALSE(hears("n1", Verdict::pending_changes));
  CHECK(order("n1").status == 200);
  const auto shown = ask("GET", "/v1/operator/nodes/lab/n1").body;
  CHECK(shown.at("converge").at("orderedAt") == unix_seconds(time));
  const auto cluster = ask("GET", "/v1/operator/status").body.at("clusters")[0];
  CHECK(cluster.at("converges")[0].at("node") == "n1");
  CHECK(order("n1", true).status == 200);
  CHECK(ask("GET", "/v1/operator/nodes/lab/n1").body.at("converge").is_null());
  CHECK_FALSE(hears("n1", Verdict::pending_changes));
  CHECK(
      order("n1", true).message() ==
      "node 'lab/n1': expected an ordered converge to cancel, found none; it may have heard of it already");
}

TEST_CASE("a master that never enrolled holds no turn") {
  House house;
  house.apply(sample::cluster() + sample::node("m1", "master", 11) +
              sample::node("m2", "follower", 12) + sample::node("n1", "node", 21));
  const auto order = [&](const std::string& name) {
    return house.ask("POST", "/v1/operator/nodes/lab/" + name + "/converge").body.at("waitsFor");
  };
  CHECK(order("m2") == "m2 itself (never heard of): it takes its turn once it reports");
  CHECK(order("n1") == "it has not enrolled, and hears of it then");
  const auto turn = house.ask("GET", "/v1/operator/nodes/lab/m2").body.at("turn");
  CHECK(turn.at("state") == "waits");
}

TEST_CASE_FIXTURE(TurnHouse,
                  "an order of a master that an earlier server wrote down becomes a turn") {
  for (const char* name : {"m1", "m2"})
    REQUIRE(order_converge(enrolment, {"lab", name}, "operator anna"));
  CHECK(hears("m1", Verdict::pending_changes));
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(hears("m1", Verdict::converged));
  CHECK(hears("m2", Verdict::pending_changes));
}

TEST_CASE_FIXTURE(TurnHouse, "whoever is banned keeps no turn, and is ordered nothing") {
  order("m1");
  order("m2");
  REQUIRE(ask("POST", "/v1/operator/nodes/lab/m1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(turn("m1").at("state") == "waits");
  // Whether the etcd of a banned master is up, nobody tells.
  CHECK(turn("m2").at("message") ==
        "m1 (it is banned): of etcd's 3 members 1 others are up, a quorum is 2");
  const auto refused = order("m1");
  CHECK(refused.status == 409);
  CHECK(refused.message() ==
        "machine 'lab/m1': banned, so that it hears of no order; `muster unban m1` first");
  CHECK(order("m1", true).status == 200);
  CHECK(turn("m1").is_null());
}

TEST_CASE_FIXTURE(TurnHouse, "what is wrong with who has the turn is told") {
  order("m1");
  order("m2");
  REQUIRE(hears("m1", Verdict::pending_changes));
  CHECK(turn("m1").at("heldUp") == "");
  report("m1", Verdict::failed);
  CHECK(turn("m1").at("heldUp") == "failed");
}

TEST_CASE_FIXTURE(TurnHouse, "what cannot be read of a master fails no node's report") {
  CHECK(order("m1").status == 200);
  SUBCASE("a master's record") {
    make_unreadable(store, kinds::machine, "lab/m2");
  }
  SUBCASE("etcd") {
    make_unreadable(store, kinds::etcd, "lab");
  }
  SUBCASE("turns") {
    make_unreadable(store, kinds::turn, "lab");
  }
  CHECK_FALSE(hears("n1", Verdict::converged));
  CHECK(order("n1").status == 200);
  CHECK(hears("n1", Verdict::pending_changes));
}

TEST_CASE_FIXTURE(TurnHouse, "turns that cannot be read are forgotten by an order, and told") {
  CHECK(order("m1").status == 200);
  make_unreadable(store, kinds::turn, "lab");
  CHECK(order("m2").status == 500);
  CHECK(
      ask("GET", "/v1/operator/status").body.at("clusters")[0].at("unread").at("cure") ==
      "muster node converge MASTER --cluster lab --cancel, with any of its masters, which forgets the orders that nobody can read; look that none is still converging before you order anew");
  CHECK(order("m2", true).status == 200);
  CHECK(order("m2").body.at("waitsFor") == "");
  CHECK(hears("m2", Verdict::pending_changes));
}

TEST_CASE_FIXTURE(TurnHouse,
                  "an etcd record that cannot be read is told, and settled by a report") {
  make_unreadable(store, kinds::etcd, "lab");
  CHECK(
      ask("GET", "/v1/operator/status").body.at("clusters")[0].at("unread").at("cure") ==
      "a master whose etcd runs settles it with its next report; where none does any more, muster cluster reinitialise lab --confirm");
  hears("m1", Verdict::pending_changes);
  CHECK_FALSE(ask("GET", "/v1/operator/status").body.at("clusters")[0].contains("unread"));
}

TEST_CASE_FIXTURE(TurnHouse, "who is up is told by no clock that somebody sets") {
  REQUIRE(clock.believed_now());
  time += std::chrono::seconds(71);
  hears("m1", Verdict::pending_changes);
  hears("m2", Verdict::converged);
  const std::string why =
      "m3 (not heard of for 71 s): of etcd's 3 members 1 others are up, a quorum is 2";
  CHECK(order("m1").body.at("waitsFor") == why);
  for (const std::chrono::hours by : {std::chrono::hours(-24), std::chrono::hours(24 * 31)}) {
    time += by;
    set_by += by;
    REQUIRE_FALSE(clock.believed_now());
    hears("m2", Verdict::converged);
    CHECK_FALSE(hears("m1", Verdict::pending_changes));
    CHECK(turn("m1").at("message") == why);
    time -= by;
    set_by -= by;
  }
}
