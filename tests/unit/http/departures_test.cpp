// How machines leave: drained, removed, vanished.
#include <limits>

#include "enrolment/approval.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/pending.hpp"
#include "fleet/scheduler.hpp"
#include "publish/retired_members.hpp"
#include "sample_pool.hpp"

using namespace muster;
using sample::PoolHouse;

namespace {

nlohmann::json row(const std::string& node, bool done, const std::string& message = "") {
  return {{"node", node}, {"done", done}, {"message", message}};
}

}  // namespace

TEST_CASE("a drain travels to the duties, and what they say of it is told") {
  PoolHouse house;
  house.start(2);
  const auto ordered = house.order("w-1", "drain");
  REQUIRE_MESSAGE(ordered.status == 200, ordered.body.dump());
  CHECK(house.drain_of("w-1") == "evict");
  CHECK(house.drain_of("w-2") == "none");
  CHECK(house.state("w-1") == "draining");
  house.report("m-1", house.duties({row("w-1", false, "pod ci/web: its budget")}));
  const auto shown = house.ask("GET", "/v1/operator/nodes/lab/w-1").body;
  CHECK(shown.at("drain").at("message") == "pod ci/web: its budget");
  CHECK(shown.at("drain").at("by") == "operator root");
  house.report("m-1", house.duties({row("w-1", true)}));
  CHECK(house.state("w-1") == "drained");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));  // drained, and not to be removed
  CHECK(house.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("draining") == 1);
  // Ordered again: nothing starts anew.
  CHECK(house.order("w-1", "drain").status == 200);
  CHECK(house.state("w-1") == "drained");
  CHECK(house.order("w-1", "undrain").status == 200);
  CHECK(house.drain_of("w-1") == "none");
  CHECK(house.state("w-1") == "enrolled");
  const auto none = house.order("w-1", "undrain");
  CHECK(none.status == 404);
  CHECK(
      none.message() ==
      "node 'lab/w-1': no drain is ordered; `muster node list` shows the machines that are drained");
}

TEST_CASE("what was said of an earlier drain does not count for the next one") {
  PoolHouse house;
  house.start(1);
  REQUIRE(house.order("w-1", "drain").status == 200);
  house.report("m-1", house.duties({row("w-1", true)}));
  REQUIRE(house.order("w-1", "undrain").status == 200);
  REQUIRE(house.order("w-1", "remove").status == 200);
  CHECK(house.state("w-1") == "removing");
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
}

TEST_CASE("a member is drained, removed when it is, and its Node's end is waited for") {
  PoolHouse house;
  house.start(2);
  const auto ordered = house.order("w-1", "remove");
  REQUIRE_MESSAGE(ordered.status == 200, ordered.body.dump());
  CHECK(ordered.body.at("draining") == true);
  CHECK(house.is_served("w-1"));
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  house.report("m-1", house.duties({row("w-1", true)}));
  REQUIRE(finish_drains(house.rooms));
  // Whoever waits for it may ask before it is published.
  CHECK(house.is_served("w-1"));
  CHECK(house.state("w-1") == "leaving");
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-1"));
  CHECK(house.ask("GET", "/v1/document", {}, house.peers["w-1"]).status == 401);
  CHECK(house.state("w-1") == "leaving");
  CHECK(list_drains(house.store, "lab")->empty());

  PublicationMemory memory;
  const auto retire = [&] {
    return release_retired_members(house.store, memory, "lab", unix_seconds(house.time),
                                   std::chrono::minutes(15), *node_objects(house.rooms, "lab"))
        ->released;
  };
  CHECK(retire() == 0);
  house.report("m-1", house.duties({}, {"w-1"}));
  CHECK(house.state("w-1") == "leaving");
  house.time += std::chrono::minutes(16);
  CHECK(retire() == 0);
  house.report("m-1", house.duties({}));
  CHECK(house.state("w-1") == "left");
  CHECK(retire() == 1);
}

TEST_CASE("a drain that takes too long is given up, and the machine stays") {
  PoolHouse house;
  house.start(1);
  REQUIRE(house.order("w-1", "remove", {{"timeoutSeconds", 60}}).status == 200);
  house.report("m-1", house.duties({row("w-1", false, "pod ci/web: its budget")}));
  house.time += std::chrono::seconds(60);
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  CHECK(house.drain_of("w-1") == "cordon");
  CHECK(house.state("w-1") == "drain-given-up");
  CHECK(
      house.ask("GET", "/v1/operator/nodes/lab/w-1").body.at("drain").at("message") ==
      "not drained in 60 s; order `muster node drain` again, `muster node undrain`, or `muster node remove --no-drain`");
  house.report("m-1", house.duties({row("w-1", true)}));
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("w-1"));
  const auto refused = house.order("w-1", "drain", {{"timeoutSeconds", 5}});
  CHECK(refused.status == 400);
  CHECK(refused.message() ==
        "order: refused, 1 problem:\n/timeoutSeconds: expected 60 to 86400, found 5");
}

TEST_CASE("what cannot be drained is removed at once, with the reason") {
  PoolHouse house;
  house.start(3);
  house.admit("w-4", Role::node, 14);
  CHECK(house.order("w-4", "remove").body.at("undrained") == "it never reported");
  CHECK_FALSE(house.is_served("w-4"));
  CHECK(house.order("w-3", "remove", {{"drain", false}}).body.at("undrained") == "");
  CHECK_FALSE(house.is_served("w-3"));
  REQUIRE(house.order("w-2", "ban").status == 200);
  CHECK(house.order("w-2", "remove").body.at("undrained") ==
        "it is banned, so that it obeys no API server");
  house.time += std::chrono::seconds(301);
  CHECK(house.order("w-1", "remove").body.at("undrained") == "it was not heard of for 301 s");
  CHECK_FALSE(house.is_served("w-1"));
}

TEST_CASE("a removal that is ordered again answers as the first did, and frees nothing early") {
  PoolHouse house;
  house.start(2);
  const auto network = [&] {
    return find_cluster(house.store, "lab")->record.pod_cidrs->contains("w-1");
  };
  auto first = house.order("w-1", "remove", {{"drain", false}});
  REQUIRE(first.status == 200);
  first.body.erase("revision");  // nothing is published again
  for (const bool drain : {false, true}) {
    const auto again = house.order("w-1", "remove", {{"drain", drain}});
    CHECK(again.status == 200);
    CHECK(again.body == first.body);
    CHECK(network());
    CHECK(house.state("w-1") == "leaving");
  }
}

TEST_CASE("after the server itself was away nobody is taken for dead") {
  PoolHouse house;
  house.start(1);
  house.time += std::chrono::hours(1);
  house.reports.begin(house.clock.since_boot() - 10);
  CHECK(house.order("w-1", "remove").body.at("draining") == true);
}

TEST_CASE("the last master is not removed, and one of three is") {
  PoolHouse house;
  house.start(1);
  const auto refused = house.order("m-1", "remove", {{"drain", false}});
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "last_master");
  CHECK(
      refused.message() ==
      "machine 'lab/m-1': expected another master beside it, found none: its cluster would be left without API and etcd; let another master join first, or end the cluster with `muster cluster delete lab`");
  house.admit("m-2", Role::follower, 2);
  house.report("m-2");
  REQUIRE(house.order("m-1", "remove").status == 200);
  REQUIRE(house.order("m-2", "remove").status == 200);
  house.report("m-2", house.duties({row("m-1", true), row("m-2", true)}));
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  // Both were drained; the second of them would have been the last.
  CHECK(house.is_served("m-1") != house.is_served("m-2"));
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.is_served("m-1") != house.is_served("m-2"));
  // Who stays is the first of the masters now.
  CHECK(read_document(*house.current.document("lab", "m-2"))->role.role == Role::master);
}

TEST_CASE("a master is not removed where all that stay are banned, and the role goes by them") {
  PoolHouse house;
  house.start(1);
  for (const int i : {2, 3}) house.admit(fmt::format("m-{}", i), Role::follower, i);
  for (const char* name : {"m-2", "m-3"}) house.report(name);
  REQUIRE(house.order("m-2", "ban").status == 200);
  REQUIRE(house.order("m-3", "ban").status == 200);
  const auto refused = house.order("m-1", "remove", {{"drain", false}});
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "last_master");
  CHECK(
      refused.message() ==
      "machine 'lab/m-1': expected another master beside it that is not banned, found 'm-2', 'm-3' banned: its cluster would be left without API and etcd; let another master join first, `muster unban` one that may be believed, or end the cluster with `muster cluster delete lab`");
  REQUIRE(house.order("m-3", "unban").status == 200);
  REQUIRE(house.order("m-1", "remove", {{"drain", false}}).status == 200);
  CHECK(find_member(house.store, "lab", "m-2").value()->record.role == Role::follower);
  CHECK(find_member(house.store, "lab", "m-3").value()->record.role == Role::master);
  CHECK(house.order("m-2", "remove", {{"drain", false}}).status == 200);
}

TEST_CASE("what is ordered while the clock is in doubt is not destroyed when that is settled") {
  constexpr std::chrono::hours days(24 * 31);
  const auto set = [](PoolHouse& house, std::chrono::hours by) {
    house.time += by;
    house.set_by += by;
  };
  PoolHouse house;
  house.start(2);
  REQUIRE(house.clock.believed_now());
  set(house, -days);
  REQUIRE_FALSE(house.clock.believed_now());
  REQUIRE(house.order("w-1", "drain").status == 200);
  const auto token = house.ask("POST", "/v1/operator/tokens",
                               {{"cluster", "lab"}, {"pool", "w"}, {"ttlSeconds", 3600}});
  REQUIRE_MESSAGE(token.status == 200, token.body.dump());
  set(house, days);
  REQUIRE(house.clock.believed_now());
  REQUIRE(finish_drains(house.rooms));
  CHECK(house.state("w-1") == "draining");
  CHECK(house.ask("GET", "/v1/operator/tokens").body.at("tokens")[0].at("expiresAt") ==
        unix_seconds(house.time) + 3600);
}

TEST_CASE(
    "no token is made by a clock that is ahead and in doubt, until it is right or confirmed") {
  PoolHouse house;
  house.start(1);
  REQUIRE(house.clock.believed_now());
  const auto make = [&] {
    return house.ask("POST", "/v1/operator/tokens",
                     {{"cluster", "lab"}, {"pool", "w"}, {"ttlSeconds", 3600}});
  };
  constexpr std::chrono::hours days(24 * 31);
  house.time += days;
  house.set_by += days;
  const auto refused = make();
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "clock_in_doubt");
  CHECK(
      refused.body.at("message") ==
      "join token: the server's clock is 31d 0h ahead of what was expected, and in doubt: what is made now would last as much longer; put the clock right, or, if it is right now, run `muster clock confirm`; then try again");
  REQUIRE(house.clock.confirm(house.store, unix_seconds(house.time), "anna"));
  CHECK(make().status == 200);
}

TEST_CASE("a place is free again after its quarantine, though the clock was ahead meanwhile") {
  PoolHouse house;
  house.start(1);
  Scheduler scheduler(house.rooms, std::chrono::minutes(15), [](const OnDemandCluster&) {});
  REQUIRE(house.clock.believed_now());
  constexpr std::chrono::hours days(24 * 31);
  house.time += days;
  house.set_by += days;
  REQUIRE(house.order("w-1", "remove", {{"drain", false}}).status == 200);
  house.time -= days;
  house.set_by -= days;
  for (const auto later : {0, 16 * 60, 11}) {
    house.time += std::chrono::seconds(later);
    REQUIRE(scheduler.carry_out_due());
    REQUIRE(house.publisher.look());
    house.report("m-1", house.duties({}));
    REQUIRE(scheduler.carry_out_due());
  }
  CHECK_FALSE(find_member(house.store, "lab", "w-1").value().has_value());
}

TEST_CASE("orders that race the end of their machine or cluster leave nothing to the next one") {
  PoolHouse house;
  house.start(2);
  const auto refused = [&](const Result<void>& ordered) {
    REQUIRE_FALSE(ordered);
    return ordered.error().message;
  };
  const auto drain = [&](const std::string& node) {
    return order_drain(house.store, {"lab", node, false, std::chrono::minutes(10), "operator root"},
                       house.time);
  };
  Transaction late;
  REQUIRE(order_drain(static_cast<const Store&>(house.store),
                      {"lab", "w-1", false, std::chrono::minutes(10), "operator root"}, house.time,
                      late));
  REQUIRE(house.order("w-1", "remove", {{"drain", false}}).status == 200);
  CHECK(house.store.commit(late).error().kind == ErrorKind::conflict);
  CHECK(refused(drain("w-1")) ==
        "node 'lab/w-1': it was removed; `muster node list` shows the machines there are");
  const std::string ended =
      "cluster 'lab': it has ended; `muster status` shows the clusters there are";
  const auto inventory = house.rooms.enrolment.inventory();  // as a request has it that came before
  EnrolmentContext before = house.rooms.enrolment;
  before.inventory = [&] { return inventory; };
  REQUIRE(house.ask("DELETE", "/v1/operator/clusters/lab?confirm=lab").status == 200);
  CHECK(refused(drain("w-2")) == ended);
  NewJoinToken token;
  token.cluster = "lab";
  token.pool = "w";
  CHECK(create_join_token(before, token, "operator root").error().message == ended);
  CHECK(*house.store.count(kinds::token) == 0);
  CHECK(*house.store.count(kinds::drain) == 0);
}

TEST_CASE("an inventory's machine frees its pod network when its Node object is gone") {
  sample::House house;
  house.apply(sample::small_inventory());
  const Peer m1 = house.machine("m1");
  house.apply(sample::cluster() + sample::node("m1", "master", 11), true);
  Report made;
  made.boot_id = made.machine_id = "m";
  made.counter = 1;
  made.verdict = Verdict::converged;
  const std::uint64_t generation = house.current.peers("lab")->generation;
  made.duties = DutiesReport{generation, {"n1"}, {}};
  const auto remove = [&] { return house.ask("POST", "/v1/operator/nodes/lab/n1/remove"); };
  REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), m1).status == 200);
  const auto refused = remove();
  CHECK(refused.status == 409);
  CHECK(
      refused.message() ==
      "node 'lab/n1': its Node object may still be there; the duties of its cluster remove it within a minute, then ask again, or insist with --no-drain");
  made.counter = 2;
  made.duties = DutiesReport{generation, {}, {}};
  REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), m1).status == 200);
  CHECK(remove().status == 200);
}

TEST_CASE(
    "the schedule frees a removed member's place after its Node object is gone, and then rests") {
  PoolHouse house;
  house.start(1);
  Scheduler scheduler(house.rooms, std::chrono::minutes(15), [](const OnDemandCluster&) {});
  const auto is_held = [&] { return find_member(house.store, "lab", "w-1").value().has_value(); };
  const auto look = [&](std::chrono::seconds later) {
    house.time += later;
    REQUIRE(scheduler.carry_out_due());
    REQUIRE(house.publisher.look());
  };
  REQUIRE(house.order("w-1", "remove", {{"drain", false}}).status == 200);
  look(std::chrono::seconds(0));
  house.report("m-1", house.duties({}, {"w-1"}));
  look(std::chrono::minutes(16));
  CHECK(is_held());
  house.report("m-1", house.duties({}));
  look(std::chrono::seconds(11));
  CHECK_FALSE(is_held());
  const auto left = list_due(house.store, std::numeric_limits<std::int64_t>::max(), 10);
  REQUIRE(left);
  CHECK(left->empty());
}

TEST_CASE("an approval ends with the apply that takes its node out, though nobody asks meanwhile") {
  House house;
  const std::string with = sample::small_inventory();
  house.apply(with);
  PendingMachine waiting;
  waiting.fingerprint = "sha256:" + std::string(64, 'a');
  waiting.source = "10.77.0.99";
  waiting.first_seen = waiting.last_seen = unix_seconds(house.time);
  Transaction asked;
  asked.put(kinds::pending, waiting.fingerprint, to_json(waiting));
  REQUIRE(house.store.commit(asked));
  const auto approved = [&] { return list_pending(house.enrolment)->front().approved; };
  REQUIRE(approve(house.enrolment, {"lab", "n1", waiting.fingerprint}, "operator anna"));
  house.apply(with + "# a remark\n");
  CHECK(approved() == NodeName{"lab", "n1"});
  const auto node = with.find("---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: n1}");
  REQUIRE(node != std::string::npos);
  house.apply(with.substr(0, node), true);
  CHECK(approved() == NodeName{});
  house.apply(with);
  CHECK(approved() == NodeName{});
}
