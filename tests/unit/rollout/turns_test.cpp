#include "rollout/turns.hpp"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;

namespace {

// Three masters whose restarts wait, and what the store has of their turns.
struct Turns {
  MemoryStore store;
  TimePoint now = std::chrono::system_clock::from_time_t(1'000'000);
  std::vector<MasterState> masters;

  Turns() {
    REQUIRE(store.commit(Transaction().put(kinds::cluster, "lab", "{}")));
    for (const auto* node : {"m1", "m2", "m3"}) {
      masters.push_back({node, true, 7, Report{}, 0});
      report(node, Verdict::pending_changes);
    }
  }
  void report(const std::string& node, Verdict verdict) {
    for (auto& master : masters) {
      if (master.node != node) continue;
      ++master.report->counter;
      master.report->generation = 7;
      master.report->verdict = verdict;
    }
  }
  std::string order(const std::string& node) {
    auto waits = order_turn(store, "lab", {node, "operator anna", unix_seconds(now)}, masters, now);
    REQUIRE_MESSAGE(waits, waits.error().message);
    return *waits;
  }
  // What the machine hears to its report.
  bool hears(const std::string& node, Verdict verdict) {
    report(node, verdict);
    const auto told = tell_turn(store, "lab", node, masters, now);
    REQUIRE_MESSAGE(told, told.error().message);
    return *told;
  }
  // Rows of one time have no order among them.
  [[nodiscard]] std::string audit() const {
    std::vector<std::string> rows;
    const auto found = list_audit(store, "", 100);
    for (const auto& row : *found) rows.push_back(row.actor + " " + row.action + " " + row.subject);
    std::sort(rows.begin(), rows.end());
    return fmt::format("{}\n", fmt::join(rows, "\n"));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Turns, "three masters that are ordered at once hear of it one after the other") {
  CHECK(order("m1") == "");
  CHECK(order("m2") == "m1 has the turn");
  CHECK(order("m3") == "m1 has the turn");
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK(hears("m1", Verdict::pending_changes));
  CHECK_FALSE(hears("m1", Verdict::converging));
  CHECK_FALSE(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(hears("m1", Verdict::converged));
  CHECK_FALSE(hears("m3", Verdict::pending_changes));
  CHECK(hears("m2", Verdict::pending_changes));
  CHECK_FALSE(hears("m2", Verdict::converged));
  CHECK(hears("m3", Verdict::pending_changes));
  CHECK_FALSE(hears("m3", Verdict::converged));
  CHECK(store.get(kinds::turn, "lab").error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(Turns, "a grant is in the store before it is told, and told again") {
  order("m1");
  REQUIRE(find_turns(store, "lab")->grant);
  CHECK_FALSE(find_turns(store, "lab")->grant->is_told);
  CHECK(hears("m1", Verdict::pending_changes));
  CHECK(find_turns(store, "lab")->grant->is_told);
  // Killed after the commit and before the answer: the machine asks again.
  CHECK(hears("m1", Verdict::pending_changes));
  // Ordered by a person after it failed.
  CHECK_FALSE(hears("m1", Verdict::failed));
  CHECK(order("m1") == "");
  CHECK(hears("m1", Verdict::failed));
}

TEST_CASE_FIXTURE(Turns, "an operator ends the turn of one that hangs, and takes back an order") {
  for (const auto* node : {"m1", "m2", "m3"}) order(node);
  REQUIRE(cancel_turn(store, "lab", "m3", "operator bert", masters, now));
  REQUIRE(cancel_turn(store, "lab", "m1", "operator bert", masters, now));
  CHECK(find_turns(store, "lab")->grant->order.node == "m2");
  CHECK(find_turns(store, "lab")->waiting.empty());
  const auto none = cancel_turn(store, "lab", "m1", "operator bert", masters, now);
  CHECK(
      none.error().message ==
      "turns of 'lab': node 'lab/m1': expected an ordered converge to cancel, found none; `muster node list` shows who has the turn and who waits");
  CHECK(audit() ==
        "operator anna converge-ordered lab/m1\n"
        "operator anna converge-ordered lab/m2\n"
        "operator anna converge-ordered lab/m3\n"
        "operator bert converge-cancelled lab/m1\n"
        "operator bert converge-cancelled lab/m3\n"
        "server turn-ended lab/m1\n"
        "server turn-granted lab/m1\n"
        "server turn-granted lab/m2\n");
}

TEST_CASE_FIXTURE(Turns, "ordered twice is ordered once, and without news nothing is written") {
  order("m1");
  order("m2");
  order("m2");
  const auto version = store.get(kinds::turn, "lab")->version;
  CHECK_FALSE(hears("m3", Verdict::converged));
  CHECK(store.get(kinds::turn, "lab")->version == version);
  CHECK(find_turns(store, "lab")->waiting.size() == 1);
}

TEST_CASE_FIXTURE(Turns, "a turn whose answer was lost is told again, whatever came of the run") {
  order("m1");
  const std::int64_t id = find_turns(store, "lab")->grant->order.ordered_at;
  masters[0].report->heard_order = 0;
  CHECK(hears("m1", Verdict::failed));
  CHECK(hears("m1", Verdict::failed));
  masters[0].report->heard_order = id;
  CHECK_FALSE(hears("m1", Verdict::failed));
}
