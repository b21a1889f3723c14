#include "rollout/turn_decision.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

constexpr std::int64_t now = 1'000'000;

// Masters that were heard of just now, members of etcd, converged under generation 7.
struct Masters {
  std::vector<MasterState> states;
  std::uint64_t counter = 10;

  explicit Masters(int count) {
    for (int i = 1; i <= count; ++i) {
      MasterState master{"m" + std::to_string(i), true, 7, Report{}, 0};
      states.push_back(master);
      report(i, Verdict::converged);
    }
  }
  MasterState& master(int i) { return states[static_cast<std::size_t>(i - 1)]; }
  Report& report(int i, Verdict verdict) {
    Report& report = *master(i).report;
    report.boot_id = "b";
    report.counter = ++counter;
    report.generation = 7;
    report.verdict = verdict;
    report.pending.clear();
    if (verdict == Verdict::pending_changes) report.pending = {"etcd.service: restart: x"};
    master(i).silence = 0;
    return report;
  }
};

TurnRecord ordered(std::initializer_list<const char*> nodes) {
  TurnRecord record;
  for (const auto* node : nodes) record.waiting.push_back({node, "operator anna", now});
  return record;
}

std::string holder(const TurnDecision& decision) {
  return decision.record.grant ? decision.record.grant->order.node : "";
}

}  // namespace

TEST_CASE("of three that are ordered at once one has the turn, and they follow in their order") {
  Masters masters(3);
  auto decision = decide_turns(ordered({"m2", "m1", "m3"}), masters.states, now);
  for (const auto& [who, next] : {std::pair{2, "m1"}, {1, "m3"}, {3, ""}}) {
    REQUIRE(holder(decision) == "m" + std::to_string(who));
    for (const auto& [node, why] : decision.waits_for)
      CHECK(why == holder(decision) + " has the turn");
    masters.report(who, Verdict::converging);
    decision = decide_turns(decision.record, masters.states, now + 5);
    CHECK(holder(decision) == "m" + std::to_string(who));
    masters.report(who, Verdict::converged);
    decision = decide_turns(decision.record, masters.states, now + 9);
    CHECK(holder(decision) == next);
  }
  CHECK(decision.record.waiting.empty());
}

TEST_CASE("deciding again without news gives the same") {
  Masters masters(3);
  const auto first = decide_turns(ordered({"m1", "m2"}), masters.states, now);
  const auto again = decide_turns(first.record, masters.states, now + 30);
  CHECK(to_json(again.record) == to_json(first.record));
  CHECK(again.waits_for == first.waits_for);
}

TEST_CASE("a turn ends by what its machine reports, and never by time") {
  Masters masters(3);
  const auto granted = decide_turns(ordered({"m1", "m2"}), masters.states, now).record;
  const auto still_held = [&](auto change) {
    Masters later = masters;
    Report& report = later.report(1, Verdict::converged);
    change(later, report);
    return holder(decide_turns(granted, later.states, now)) == "m1";
  };
  CHECK_FALSE(still_held([](Masters&, Report&) {}));
  CHECK(still_held([](Masters&, Report& report) { report.verdict = Verdict::failed; }));
  CHECK(still_held([](Masters&, Report& report) { report.verdict = Verdict::pending_changes; }));
  CHECK(
      still_held([](Masters&, Report& report) { report.pending = {"kubelet.service: restart"}; }));
  CHECK(still_held([](Masters&, Report& report) { report.pending_digest = "sha256:a"; }));
  // It said so before it had fetched what it was to converge to.
  CHECK(still_held([](Masters&, Report& report) { report.generation = 6; }));
  CHECK(still_held(
      [](Masters&, Report& report) { report.configuration = Configuration::fallen_back; }));
  CHECK_FALSE(
      still_held([](Masters&, Report& report) { report.configuration = Configuration::settled; }));
  CHECK(still_held([](Masters&, Report& report) {
    report.unwell = {{"unit etcd.service", "restarts", 0}};
  }));
  CHECK_FALSE(still_held([](Masters&, Report& report) {
    report.unwell = {{"route 10.1.0.0/24", "gone", 0}};
  }));
  // The report that was there when it was granted.
  CHECK(holder(decide_turns(granted, masters.states, now)) == "m1");
  CHECK(holder(decide_turns(granted, masters.states, now + 1'000'000)) == "m1");
  // Whoever is no master any more holds up nobody.
  masters.states.erase(masters.states.begin());
  CHECK(holder(decide_turns(granted, masters.states, now)) == "m2");
}

TEST_CASE("one that is shut out while it has the turn waits again, and keeps it from nobody") {
  for (bool MasterState::*why : {&MasterState::is_banned, &MasterState::is_frozen}) {
    Masters masters(5);
    auto decision = decide_turns(ordered({"m1", "m2"}), masters.states, now);
    REQUIRE(holder(decision) == "m1");
    masters.master(1).*why = true;
    decision = decide_turns(decision.record, masters.states, now);
    CHECK(holder(decision) == "m2");
    CHECK(decision.waits_for["m1"] == "m2 has the turn");
    decision.record.grant.reset();
    decision = decide_turns(decision.record, masters.states, now);
    CHECK(holder(decision) == "");
    CHECK(decision.waits_for["m1"] ==
          fmt::format("m1 itself ({}): it takes its turn once it reports",
                      masters.master(1).is_banned ? "it is banned" : "its identity is frozen"));
    masters.master(1).*why = false;
    CHECK(holder(decide_turns(decision.record, masters.states, now)) == "m1");
  }
}

TEST_CASE("nobody goes down where the others are no quorum") {
  Masters three(3);
  three.master(3).silence = 61;
  auto decision = decide_turns(ordered({"m1"}), three.states, now);
  CHECK(holder(decision) == "");
  CHECK(decision.waits_for["m1"] ==
        "m3 (not heard of for 61 s): of etcd's 3 members 1 others are up, a quorum is 2");
  three.master(3).silence.reset();
  CHECK(
      decide_turns(ordered({"m1"}), three.states, now).waits_for["m1"] ==
      "m3 (not heard of since this server's start): of etcd's 3 members 1 others are up, a quorum is 2");
  three.master(3).silence = 60;
  CHECK(holder(decide_turns(decision.record, three.states, now)) == "m1");
  three.report(3, Verdict::failed);
  CHECK(
      decide_turns(ordered({"m1"}), three.states, now).waits_for["m1"].starts_with("m3 (failed)"));
  // It is the one that is down, and waits for none.
  CHECK(holder(decide_turns(ordered({"m1", "m3"}), three.states, now)) == "m3");
  three.report(3, Verdict::converged).unwell = {{"unit kube-apiserver.service", "restarts", 0}};
  CHECK(holder(decide_turns(ordered({"m1"}), three.states, now)) == "");
  // Listed, and no member yet: etcd does not count it.
  three.master(3).is_member = false;
  three.master(3).report.reset();
  CHECK(holder(decide_turns(ordered({"m1"}), three.states, now)) == "m1");

  Masters five(5);
  five.report(4, Verdict::converging);
  CHECK(holder(decide_turns(ordered({"m1"}), five.states, now)) == "m1");
  five.report(5, Verdict::converging);
  CHECK(decide_turns(ordered({"m1"}), five.states, now).waits_for["m1"] ==
        "m4 (converging), m5 (converging): of etcd's 5 members 2 others are up, a quorum is 3");
}

TEST_CASE("one that does not report gets no turn, and keeps it from nobody") {
  Masters masters(3);
  masters.master(1).report.reset();  // it never enrolled
  masters.master(1).is_member = false;
  masters.master(2).silence = 61;
  auto decision = decide_turns(ordered({"m1", "m2"}), masters.states, now);
  CHECK(holder(decision) == "");
  CHECK(decision.waits_for["m1"] ==
        "m1 itself (never heard of): it takes its turn once it reports");
  CHECK(decision.waits_for["m2"] ==
        "m2 itself (not heard of for 61 s): it takes its turn once it reports");
  decision = decide_turns(ordered({"m1", "m3"}), Masters(3).states, now);
  CHECK(holder(decision) == "m1");
  masters.report(2, Verdict::converged);
  decision = decide_turns(ordered({"m1", "m3"}), masters.states, now);
  CHECK(holder(decision) == "m3");
  masters.master(1).report.emplace();
  masters.report(1, Verdict::pending_changes);
  masters.report(3, Verdict::converged);
  CHECK(holder(decide_turns(decision.record, masters.states, now)) == "m1");
}

TEST_CASE("who has the turn and does not get on is named") {
  Masters masters(3);
  const auto granted = decide_turns(ordered({"m1"}), masters.states, now);
  CHECK(granted.held_up.empty());
  masters.report(1, Verdict::converging);
  CHECK(decide_turns(granted.record, masters.states, now).held_up.empty());
  masters.master(1).silence = 61;
  CHECK(decide_turns(granted.record, masters.states, now).held_up == "not heard of for 61 s");
  masters.report(1, Verdict::failed);
  CHECK(decide_turns(granted.record, masters.states, now).held_up == "failed");
}

TEST_CASE("one or two masters have no quorum to spare, and take their turn all the same") {
  Masters one(1), two(2);
  one.report(1, Verdict::failed);
  CHECK(holder(decide_turns(ordered({"m1"}), one.states, now)) == "m1");
  CHECK(holder(decide_turns(ordered({"m2"}), two.states, now)) == "m2");
  two.report(1, Verdict::failed);
  CHECK(holder(decide_turns(ordered({"m2"}), two.states, now)) == "");
}

TEST_CASE("a grant is told until its machine heard it, and not again after it failed") {
  Masters masters(3);
  TurnGrant grant = *decide_turns(ordered({"m1"}), masters.states, now).record.grant;
  CHECK(must_be_told(grant, masters.report(1, Verdict::failed)));
  grant.is_told = true;
  // The server died before its answer left, or the line did.
  CHECK(must_be_told(grant, masters.report(1, Verdict::pending_changes)));
  CHECK_FALSE(must_be_told(grant, masters.report(1, Verdict::converging)));
  CHECK_FALSE(must_be_told(grant, masters.report(1, Verdict::failed)));
  Report& back = masters.report(1, Verdict::pending_changes);
  back.configuration = Configuration::fallen_back;
  CHECK_FALSE(must_be_told(grant, back));
}

TEST_CASE("a record reads back whole") {
  Masters masters(3);
  auto record = decide_turns(ordered({"m1", "m2"}), masters.states, now).record;
  record.grant->is_told = true;
  CHECK(to_json(parse_turn_record(to_json(record)).value()) == to_json(record));
  CHECK(parse_turn_record("{}").error().kind == ErrorKind::corrupt);
}
