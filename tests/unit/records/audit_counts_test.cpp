#include "records/audit_counts.hpp"

#include <doctest/doctest.h>

#include <set>

#include "fakes/behind_store.hpp"
#include "records/audit.hpp"
#include "store/memory_store.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

struct Counted {
  MemoryStore store;
  TimePoint now = TimePoint(1'700'000'000s);
  AuditCounts counts{{.rows = 4, .per_actor = 2, .window = 1h}};

  void note(const std::string& actor, const std::string& subject, int times = 1) {
    for (int i = 0; i < times; ++i)
      counts.note("refused", actor, subject, fmt::format("try {}", i), now);
  }
  // "actor subject detail" of what is written now.
  std::set<std::string> written() {
    REQUIRE(counts.flush(store, now));
    return news();
  }
  std::set<std::string> news() {
    std::set<std::string> found;
    const auto listed = list_audit(store, last_, 1000).value();
    for (const auto& row : listed) {
      found.insert(fmt::format("{} {} {}", row.actor, row.subject, row.detail));
      last_ = row.id;
    }
    now += 1s;  // rows of one moment are in any order
    return found;
  }

 private:
  std::string last_;
};

using Rows = std::set<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Counted, "the first is a row at once, the rest of its hour another") {
  note("10.0.0.1", "lab/n1");
  CHECK(written() == Rows{"10.0.0.1 lab/n1 try 0"});
  note("10.0.0.1", "lab/n1", 500);
  now += 59min;
  CHECK(written().empty());
  now += 1min;
  CHECK(written() == Rows{"10.0.0.1 lab/n1 500 more times; the first: try 0"});
  note("10.0.0.1", "lab/n1", 2);
  CHECK(written() == Rows{"10.0.0.1 lab/n1 2 times; the first: try 0"});
  now += 2h;
  CHECK(written().empty());
}

TEST_CASE_FIXTURE(Counted, "a storm of inventions is a bounded number of rows, and none is lost") {
  for (int i = 0; i < 100; ++i) note("10.0.0.1", fmt::format("lab/n{}", i));
  CHECK(written() == Rows{"10.0.0.1 lab/n0 try 0", "10.0.0.1 lab/n1 try 0",
                          "10.0.0.1 others 98 times; the first: try 0"});
  for (int i = 0; i < 1000; ++i) note(fmt::format("10.0.1.{}", i), "lab/n1");
  CHECK(written() == Rows{"10.0.1.0 lab/n1 try 0", "others others 999 times; the first: try 0"});
  // Another action has room of its own.
  counts.note("artifact-uploaded", "operator anna", "", "sha256:a", now);
  CHECK(written() == Rows{"operator anna  sha256:a"});
}

TEST_CASE_FIXTURE(Counted, "what is counted is written at the end of the server") {
  note("10.0.0.1", "lab/n1", 3);
  CHECK(written() == Rows{"10.0.0.1 lab/n1 3 times; the first: try 0"});
  note("10.0.0.1", "lab/n1", 4);
  REQUIRE(counts.flush_all(store, now));
  CHECK(news() == Rows{"10.0.0.1 lab/n1 4 more times; the first: try 0"});
}

TEST_CASE_FIXTURE(Counted, "what is committed behind a view that stands still is written once") {
  BehindStore behind(store);
  note("10.0.0.1", "lab/n1");
  REQUIRE(counts.flush(behind, now));
  REQUIRE(counts.flush_all(store, now + 2h));
  CHECK(list_audit(store, "", 10)->size() == 1);
}

TEST_CASE_FIXTURE(Counted, "a machine has its rows of an hour, and what is beyond is counted") {
  AuditCounts few{{.own_rows = 2, .window = 1h}};
  const auto issue = [&](const std::string& machine, int times) {
    Transaction transaction;
    for (int i = 0; i < times; ++i)
      few.append(transaction, now, machine, "certificate-issued", "kubelet",
                 fmt::format("key {}", i));
    REQUIRE(commit(store, transaction));
    REQUIRE(few.flush(store, now));
    return news();
  };
  CHECK(issue("n1", 500) ==
        Rows{"n1 kubelet key 0", "n1 kubelet key 1", "n1 kubelet 498 times; the first: key 2"});
  CHECK(issue("n1", 3).empty());
  CHECK(issue("n2", 1) == Rows{"n2 kubelet key 0"});
  now += 1h;
  CHECK(issue("n1", 1) == Rows{"n1 kubelet key 0", "n1 kubelet 3 more times; the first: key 2"});
  now -= 24h * 31;
  const auto before = list_audit(store, "", 1000)->size();
  issue("n1", 1);
  CHECK(list_audit(store, "", 1000)->size() == before + 1);
}
