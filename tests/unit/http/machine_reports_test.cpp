#include "fleet/machine_reports.hpp"

#include <doctest/doctest.h>

#include "fakes/behind_store.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

const NodeName n1{"lab", "n1"};
const TimePoint now{std::chrono::seconds(1795242048)};

Report report(Verdict verdict, const std::string& message = "") {
  Report made;
  made.machine_id = "m";
  made.boot_id = "b";
  made.verdict = verdict;
  made.message = message;
  return made;
}

// Takes so many commits, then is away.
class AwayStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  int commits_left = 0;
  Result<std::uint64_t> commit(const Transaction& transaction) override {
    if (commits_left-- <= 0) return fail(ErrorKind::unavailable, "away");
    return ForwardingStore::commit(transaction);
  }
};

struct Fed {
  MemoryStore memory;
  MachineReports reports;
  Views views{memory, {&reports}};
  ViewedStore store{memory, views};

  void put(const Report& made, const NodeName& node = n1) {
    Transaction transaction;
    reports.write(node, made, now, transaction);
    REQUIRE(store.commit(transaction));
  }
  // As the next start finds it.
  [[nodiscard]] HeardMachine later() {
    MachineReports again;
    REQUIRE(again.load(memory));
    return again.find(n1);
  }
};

}  // namespace

TEST_CASE("a report is found once its transaction went through, and after a restart") {
  Fed fed;
  const Report made = report(Verdict::failed, "no disk\n\x1b");
  Transaction transaction;
  fed.reports.write(n1, made, now, transaction);
  CHECK_FALSE(fed.reports.find(n1).report);
  REQUIRE(fed.store.commit(transaction));
  CHECK(fed.reports.find(n1).report->message == made.message);
  CHECK(fed.reports.find(n1).seen_at == 1795242048);
  CHECK(fed.later().report->verdict == Verdict::failed);
  CHECK(fed.later().report->message == made.message);
}

TEST_CASE("who was silent while others were heard, was so before a restart") {
  MemoryStore memory;
  std::int64_t clock = 5000;
  {
    MachineReports before;
    for (const auto& [node, ago] : {std::pair("n1", 100s), std::pair("n2", 0s)}) {
      Transaction transaction;
      before.write({"lab", node}, report(Verdict::converged), now - ago, transaction);
      REQUIRE(memory.commit(transaction));
    }
  }
  MachineReports reports([&] { return clock; });
  REQUIRE(reports.load(memory));
  reports.begin(clock);
  clock += 30;
  const TimePoint later = now + 1h;  // however long it was down
  CHECK(reports.silence_over_restarts(n1, later, 0) == 130);
  CHECK(reports.silence_over_restarts({"lab", "n2"}, later, 0) == 30);
  CHECK(reports.silence_over_restarts({"lab", "n3"}, later, 0) == 30);
  CHECK(reports.silence_of(n1, later) == 30);  // by which what destroys goes
  REQUIRE(reports.load(memory));
  CHECK(reports.silence_over_restarts(n1, later, 0) == 130);
}

TEST_CASE("of a machine whose report is removed nothing stays in memory") {
  Fed fed;
  fed.put(report(Verdict::converged));
  fed.put(report(Verdict::converged), {"lab", "n2"});
  fed.reports.note_served(n1, "sha256:1", now);
  REQUIRE(fed.store.commit(
      Transaction().remove(kinds::report, "lab/n1").remove(kinds::served, "lab/n1")));
  CHECK_FALSE(fed.reports.find(n1).report);
  CHECK(fed.reports.find(n1).served.empty());
  CHECK(fed.reports.find({"lab", "n2"}).report);
  // What it was served before is no reason to write of it again.
  REQUIRE(fed.reports.flush(fed.store));
  CHECK(*fed.store.count(kinds::served) == 0);
  CHECK(list_audit(fed.store, "", 10)->empty());
}

TEST_CASE("what a machine was served is one audit row per document, at the next flush") {
  Fed fed;
  fed.reports.note_served(n1, "sha256:1", now);
  fed.reports.note_served(n1, "sha256:1", now);
  CHECK(fed.reports.find(n1).served == "sha256:1");
  CHECK(list_audit(fed.store, "", 10)->empty());
  fed.reports.note_served(n1, "sha256:2", now + 1s);
  REQUIRE(fed.reports.flush(fed.store));
  REQUIRE(fed.reports.flush(fed.store));
  const auto rows = list_audit(fed.store, "", 10);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).actor == "machine lab/n1");
  CHECK(rows->at(0).action == "document-served");
  CHECK(rows->at(0).detail == "sha256:1");
  CHECK(rows->at(1).detail == "sha256:2");
  // A report that is written keeps what was served, and the other way round.
  fed.put(report(Verdict::converged));
  CHECK(fed.reports.find(n1).served == "sha256:2");
  CHECK(fed.later().served == "sha256:2");
  CHECK(fed.later().report);
}

TEST_CASE("a flush that fails late keeps what it did not write, and writes nothing twice") {
  MemoryStore memory;
  AwayStore store(memory);
  MachineReports reports;
  for (int i = 0; i < 1200; ++i)
    reports.note_served({"lab", fmt::format("n{}", i)}, "sha256:1", now);
  store.commits_left = 1;
  CHECK_FALSE(reports.flush(store));
  store.commits_left = 100;
  REQUIRE(reports.flush(store));
  CHECK(*memory.count(kinds::audit) == 1200);
  CHECK(*memory.count(kinds::served) == 1200);
}

TEST_CASE("what is committed behind a view that stands still is written once") {
  MemoryStore memory;
  BehindStore store(memory);
  MachineReports reports;
  reports.note_served(n1, "sha256:1", now);
  CHECK_FALSE(reports.flush(store));
  REQUIRE(reports.flush(memory));
  CHECK(*memory.count(kinds::audit) == 1);
}

TEST_CASE("memory knows better what was served than a row that was written before") {
  Fed fed;
  fed.reports.note_served(n1, "sha256:1", now);
  REQUIRE(fed.reports.flush(fed.store));
  fed.reports.note_served(n1, "sha256:2", now);
  REQUIRE(fed.memory.commit(Transaction().put(kinds::served, "lab/n1", "sha256:1")));
  fed.put(report(Verdict::converged));
  CHECK(fed.reports.find(n1).served == "sha256:2");
  REQUIRE(fed.views.load());
  CHECK(fed.reports.find(n1).served == "sha256:2");
  REQUIRE(fed.reports.flush(fed.store));
  CHECK(fed.later().served == "sha256:2");
  // Of another server's row, where this one has nothing to say.
  REQUIRE(fed.store.commit(Transaction().put(kinds::served, "lab/n1", "sha256:3")));
  CHECK(fed.reports.find(n1).served == "sha256:3");
}

TEST_CASE("what an earlier program wrote as one record is read") {
  Fed fed;
  REQUIRE(fed.store.commit(
      Transaction().put(kinds::report, "lab/n1", R"({"seenAt": 7, "served": "sha256:1"})")));
  CHECK(fed.later().served == "sha256:1");
  CHECK(fed.later().seen_at == 7);
}

TEST_CASE("who converges asks soon, who has converged within a minute, spread") {
  Fed fed;
  const auto range = [&] {
    auto least = std::chrono::seconds::max(), most = std::chrono::seconds(0);
    for (int i = 0; i < 2000; ++i) {
      least = std::min(least, fed.reports.poll_after(n1));
      most = std::max(most, fed.reports.poll_after(n1));
    }
    return std::pair{least, most};
  };
  CHECK(range() == std::pair{2s, 2s});
  fed.put(report(Verdict::failed));
  CHECK(range() == std::pair{22s, 30s});
  fed.put(report(Verdict::converged));
  CHECK(range() == std::pair{40s, 55s});
  fed.put(report(Verdict::pending_changes));
  CHECK(range() == std::pair{40s, 55s});
  // A master carries bans to its API server.
  Report master = report(Verdict::converged);
  master.etcd_member_id = "8e9e05c52164694d";
  fed.put(master);
  CHECK(range() == std::pair{18s, 25s});
  fed.put(report(Verdict::converging));
  CHECK(range() == std::pair{2s, 2s});
}
