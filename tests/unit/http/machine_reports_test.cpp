#include "fleet/machine_reports.hpp"

#include <doctest/doctest.h>

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

// Fails every commit while it is away.
class FailingStore final : public Store {
 public:
  MemoryStore memory;
  bool away = false;
  Result<Record> get(std::string_view kind, std::string_view key) const override {
    return memory.get(kind, key);
  }
  Result<std::vector<Record>> list(std::string_view kind, std::string_view prefix,
                                   std::string_view after, std::size_t limit) const override {
    return memory.list(kind, prefix, after, limit);
  }
  Result<std::uint64_t> count(std::string_view kind, std::string_view prefix) const override {
    return memory.count(kind, prefix);
  }
  Result<void> commit(const Transaction& transaction) override {
    if (away) return fail(ErrorKind::unavailable, "away");
    return memory.commit(transaction);
  }
};

void put(MachineReports& reports, Store& store, const Report& made) {
  Transaction transaction;
  reports.write(n1, made, now, transaction);
  REQUIRE(store.commit(transaction));
  reports.keep(n1, made, now);
}

}  // namespace

TEST_CASE("a report is found once its transaction went through, and after a restart") {
  MemoryStore store;
  MachineReports reports(store);
  const Report made = report(Verdict::failed, "no disk\n\x1b");
  Transaction transaction;
  reports.write(n1, made, now, transaction);
  CHECK_FALSE(reports.find(n1).report);
  REQUIRE(store.commit(transaction));
  reports.keep(n1, made, now);
  CHECK(reports.find(n1).report->message == made.message);
  CHECK(reports.find(n1).seen_at == 1795242048);
  MachineReports later(store);
  REQUIRE(later.load());
  CHECK(later.find(n1).report->verdict == Verdict::failed);
  CHECK(later.find(n1).report->message == made.message);
  later.forget(n1);
  CHECK_FALSE(later.find(n1).report);
}

TEST_CASE("what a machine was served is one audit row per document, at the next flush") {
  FailingStore store;
  MachineReports reports(store);
  reports.note_served(n1, "sha256:1", now);
  reports.note_served(n1, "sha256:1", now);
  CHECK(reports.find(n1).served == "sha256:1");
  CHECK(list_audit(store, "", 10)->empty());
  store.away = true;
  CHECK_FALSE(reports.flush());
  store.away = false;
  reports.note_served(n1, "sha256:2", now + 1s);
  REQUIRE(reports.flush());
  REQUIRE(reports.flush());
  const auto rows = list_audit(store, "", 10);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).actor == "machine lab/n1");
  CHECK(rows->at(0).action == "document-served");
  CHECK(rows->at(0).detail == "sha256:1");
  CHECK(rows->at(1).detail == "sha256:2");
  // A report that is written keeps what was served, and the other way round.
  put(reports, store, report(Verdict::converged));
  MachineReports later(store);
  REQUIRE(later.load());
  CHECK(later.find(n1).served == "sha256:2");
  CHECK(later.find(n1).report);
}

TEST_CASE("who converges asks soon, who has converged within a minute, spread") {
  MemoryStore store;
  MachineReports reports(store);
  const auto range = [&] {
    auto least = std::chrono::seconds::max(), most = std::chrono::seconds(0);
    for (int i = 0; i < 2000; ++i) {
      least = std::min(least, reports.poll_after(n1));
      most = std::max(most, reports.poll_after(n1));
    }
    return std::pair{least, most};
  };
  CHECK(range() == std::pair{2s, 2s});
  put(reports, store, report(Verdict::failed));
  CHECK(range() == std::pair{22s, 30s});
  put(reports, store, report(Verdict::converged));
  CHECK(range() == std::pair{40s, 55s});
  put(reports, store, report(Verdict::pending_changes));
  CHECK(range() == std::pair{40s, 55s});
  // A master carries bans to its API server.
  Report master = report(Verdict::converged);
  master.etcd_member_id = "8e9e05c52164694d";
  put(reports, store, master);
  CHECK(range() == std::pair{18s, 25s});
  put(reports, store, report(Verdict::converging));
  CHECK(range() == std::pair{2s, 2s});
}
