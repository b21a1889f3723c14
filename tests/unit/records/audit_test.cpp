#include "records/audit.hpp"

#include <doctest/doctest.h>

#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;

namespace {
TimePoint at(std::int64_t microseconds) {
  return TimePoint(std::chrono::microseconds(microseconds));
}
}  // namespace

TEST_CASE("audit rows come back in the order of time, page by page") {
  MemoryStore store;
  Transaction transaction;
  append_audit(transaction, at(1'700'000'000'000'002), "server", "second", "lab");
  append_audit(transaction, at(1'700'000'000'000'001), "operator anna", "first", "lab/m1", "why");
  append_audit(transaction, at(1'700'000'000'000'003), "server", "third", "");
  REQUIRE(store.commit(transaction));
  const auto page = list_audit(store, "", 2);
  REQUIRE(page);
  REQUIRE(page->size() == 2);
  CHECK((*page)[0].time == 1'700'000'000'000'001);
  CHECK((*page)[0].actor == "operator anna");
  CHECK((*page)[0].action == "first");
  CHECK((*page)[0].subject == "lab/m1");
  CHECK((*page)[0].detail == "why");
  CHECK((*page)[1].action == "second");
  const auto rest = list_audit(store, (*page)[1].id, 100);
  REQUIRE(rest);
  REQUIRE(rest->size() == 1);
  CHECK((*rest)[0].action == "third");
  CHECK(list_audit(store, (*rest)[0].id, 100)->empty());
}

TEST_CASE("rows of one microsecond do not replace each other") {
  MemoryStore store;
  Transaction transaction;
  for (int i = 0; i < 20; ++i) append_audit(transaction, at(5), "server", "done", "lab");
  REQUIRE(store.commit(transaction));
  CHECK(list_audit(store, "", 100)->size() == 20);
}

TEST_CASE("long and broken texts are made fit") {
  MemoryStore store;
  Transaction transaction;
  append_audit(transaction, at(5), std::string(5000, 'a'), "x", "\xff", std::string(5000, 'd'));
  REQUIRE(store.commit(transaction));
  const auto rows = list_audit(store, "", 1);
  CHECK((*rows)[0].actor.size() == 256);
  CHECK((*rows)[0].detail.size() == 1024);
  CHECK((*rows)[0].subject == "\xef\xbf\xbd");
}

TEST_CASE("the order is that of writing, whatever the clock said; a row of a clock ahead stays") {
  constexpr std::int64_t second = 1'000'000, now = 1'700'000'000 * second,
                         month = 2'592'000 * second;
  MemoryStore store;
  const auto write = [&](std::int64_t time, std::string_view action) {
    Transaction transaction;
    append_audit(transaction, at(time), "server", action, "lab");
    REQUIRE(store.commit(transaction));
  };
  write(now - 7200 * second, "first");
  write(now + month, "ahead");
  write(now - month, "behind");
  write(now - 3600 * second, "fourth");
  for (int i = 0; i < 1500; ++i) write(now - 60 * second + i, "many");
  write(now - 30 * second, "last");
  const auto actions = [&](const AuditQuery& query) {
    std::vector<std::string> found;
    const auto rows = find_audit(store, query).value();
    for (const auto& row : rows)
      if (row.action != "many") found.push_back(row.action);
    return found;
  };
  using Words = std::vector<std::string>;
  AuditQuery query;
  query.limit = 10000;
  CHECK(actions(query) == Words{"first", "ahead", "behind", "fourth", "last"});
  query.newest = true;
  CHECK(actions(query) == Words{"first", "ahead", "behind", "fourth", "last"});
  query.limit = 2;
  CHECK(actions(query) == Words{"last"});
  query.limit = 10000;
  query.since = now / second - 5000;
  CHECK(actions(query) == Words{"ahead", "fourth", "last"});
  // Page by page, from whatever row.
  query = {};
  query.limit = 2;
  Words paged;
  for (;;) {
    const auto rows = find_audit(store, query).value();
    if (rows.empty()) break;
    for (const auto& row : rows)
      if (row.action != "many") paged.push_back(row.action);
    query.after = rows.back().id;
    query.limit = 1000;
  }
  CHECK(paged == Words{"first", "ahead", "behind", "fourth", "last"});
}

TEST_CASE("a row that cannot be read is one all the same") {
  MemoryStore store;
  Transaction transaction;
  append_audit(transaction, at(5), "server", "done", "lab");
  transaction.put(kinds::audit, "00000000000000000004-00", "{");
  REQUIRE(store.commit(transaction));
  const auto rows = find_audit(store, {});
  REQUIRE_MESSAGE(rows, rows.error().message);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[0].time == 4);
  CHECK((*rows)[0].action == "unreadable");
  CHECK((*rows)[0].detail.starts_with("audit row: "));
  CHECK((*rows)[1].action == "done");
}
