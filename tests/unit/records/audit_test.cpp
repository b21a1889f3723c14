#include "records/audit.hpp"

#include <doctest/doctest.h>

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
