// What every Store promises of its feed, after etcd's watch: in order, nothing twice, nothing left
// out, each transaction whole, and a reader that lags is told so. A test file includes this and
// invokes it for its store:
//   TEST_CASE_TEMPLATE_INVOKE(feed_contract, MemoryFixture);
// Beside what store_contract.hpp asks of a fixture, it has `kept`: how many commits the store keeps
// for a reader that does not read, and `close()`: the end of the store.
#pragma once

#include <map>
#include <set>

#include "contract/store_contract.hpp"

namespace muster {

using namespace std::chrono_literals;

inline Commits must_next(Watch& watch, std::chrono::milliseconds patience = 0ms) {
  auto commits = watch.next(patience);
  REQUIRE_MESSAGE(commits.has_value(), (commits ? "" : commits.error().message));
  return std::move(*commits);
}

inline std::string text_of(const Commit& commit) {
  std::string text;
  for (const auto& change : commit.changes)
    text += fmt::format("{}{}/{}={}", text.empty() ? "" : " ", change.kind, change.key,
                        change.value.value_or("-"));
  return text;
}

// What a reader of the feed should end with: a listing, brought on commit by commit; a reader that
// lags begins anew. Counts what the feed breaks of its promise.
class Replica {
 public:
  explicit Replica(const Store& store) : store_(store) { list(); }
  void take(std::chrono::milliseconds patience) {
    const auto commits = watch_->next(patience);
    if (!commits) {
      if (commits.error().kind != ErrorKind::not_found) ++broken;
      ++lagged;
      return list();
    }
    for (const auto& commit : *commits) {
      if (commit->revision <= listed_) continue;
      if (commit->revision <= revision_ || commit->changes.size() != 2 ||
          commit->changes[0].value != commit->changes[1].value) {
        ++broken;
      }
      revision_ = commit->revision;
      for (const auto& change : commit->changes) records[change.key] = change.value.value_or("");
    }
  }
  [[nodiscard]] std::uint64_t revision() const { return std::max(listed_, revision_); }

  std::map<std::string, std::string> records;
  int broken = 0;
  int lagged = 0;

 private:
  void list() {
    auto watch = store_.watch();
    const auto listed = store_.snapshot([&](const Store& at) -> Result<void> {
      const auto all = at.list("m");
      if (!all) return pass(all.error());
      records.clear();
      for (const auto& record : *all) records[record.key] = record.value;
      return {};
    });
    if (!watch || !listed) return static_cast<void>(++broken);
    watch_ = std::move(*watch);
    listed_ = *listed;
  }
  const Store& store_;
  std::unique_ptr<Watch> watch_;
  std::uint64_t listed_ = 0, revision_ = 0;
};

TEST_CASE_TEMPLATE_DEFINE("feed contract", Fixture, feed_contract) {
  Fixture fixture;
  Store& store = fixture.store();

  SUBCASE("a commit answers its revision: the version of what it wrote") {
    const auto first = store.commit(Transaction().put("m", "a", "1").put("m", "b", "1"));
    REQUIRE(first);
    CHECK(*first == store.get("m", "a")->version);
    CHECK(*first == store.get("m", "b")->version);
    const auto second = store.commit(Transaction().remove("m", "a"));
    CHECK(*second > *first);
    // Nothing changed: the revision at which it holds.
    CHECK(*store.commit(Transaction().expect("m", "b", *first)) == *second);
    CHECK(*store.snapshot([](const Store&) { return Result<void>{}; }) == *second);
  }

  SUBCASE("delivers each transaction whole, in order, and what it did to each record once") {
    must_commit(store, Transaction().put("m", "before", "1"));
    const auto watch = std::move(*store.watch());
    CHECK(must_next(*watch).empty());
    must_commit(store, Transaction().put("m", "a", "1").put("n", "b", "1"));
    must_commit(store, Transaction().put("m", "a", "x").remove("m", "a").put("m", "a", "2"));
    must_commit(store, Transaction().put("m", "c", "1").remove("m", "c").remove("n", "b"));
    const auto commits = must_next(*watch);
    REQUIRE(commits.size() == 3);
    CHECK(text_of(*commits[0]) == "m/a=1 n/b=1");
    CHECK(text_of(*commits[1]) == "m/a=2");
    CHECK(text_of(*commits[2]) == "m/c=- n/b=-");
    CHECK(commits[1]->revision == store.get("m", "a")->version);
    CHECK(commits[0]->revision < commits[1]->revision);
    CHECK(must_next(*watch).empty());
  }

  SUBCASE("delivers nothing of what was refused, or changed nothing") {
    const auto watch = std::move(*store.watch());
    CHECK_FALSE(store.commit(Transaction().expect("m", "a", 7).put("m", "a", "1")));
    must_commit(store, Transaction().expect("m", "a", 0));
    CHECK(must_next(*watch).empty());
  }

  SUBCASE("begins after the revision that is asked for, as long as that is kept") {
    const auto keeper = std::move(*store.watch());
    const auto first = store.commit(Transaction().put("m", "a", "1"));
    must_commit(store, Transaction().put("m", "a", "2"));
    const auto watch = store.watch(*first);
    REQUIRE(watch);
    const auto commits = must_next(**watch);
    REQUIRE(commits.size() == 1);
    CHECK(text_of(*commits[0]) == "m/a=2");
    CHECK(must_next(*keeper).size() == 2);
  }

  SUBCASE("waits for the next commit, no longer than asked") {
    const auto watch = std::move(*store.watch());
    CHECK(must_next(*watch, 20ms).empty());
    std::thread writer([&] {
      std::this_thread::sleep_for(20ms);
      must_commit(store, Transaction().put("m", "a", "1"));
    });
    CHECK(must_next(*watch, 10s).size() == 1);
    writer.join();
  }

  SUBCASE("a reader that lags is told so, for ever, and others are not held up by it") {
    const auto slow = std::move(*store.watch());
    const auto quick = std::move(*store.watch());
    const auto before = *store.commit(Transaction().put("m", "k", "0"));
    std::size_t seen = must_next(*quick).size();
    for (std::size_t i = 0; i < Fixture::kept + 4; ++i) {
      must_commit(store, Transaction().put("m", "k", fmt::format("{}", i)));
      seen += must_next(*quick).size();
    }
    CHECK(seen == Fixture::kept + 5);
    for (int again = 0; again < 2; ++again) {
      const auto lagging = slow->next(0ms);
      REQUIRE_FALSE(lagging);
      CHECK(lagging.error().kind == ErrorKind::not_found);
      CHECK(lagging.error().message.find("list anew") != std::string::npos);
    }
    CHECK(must_next(*quick).empty());
    const auto compacted = store.watch(before);
    REQUIRE_FALSE(compacted);
    CHECK(compacted.error().kind == ErrorKind::not_found);
    // It lists anew: nothing is lost to it.
    const auto anew = std::move(*store.watch());
    std::string value;
    REQUIRE(store.snapshot([&](const Store& at) -> Result<void> {
      value = at.get("m", "k")->value;
      return {};
    }));
    CHECK(value == fmt::format("{}", Fixture::kept + 3));
    must_commit(store, Transaction().put("m", "k", "last"));
    CHECK(text_of(*must_next(*anew).front()) == "m/k=last");
  }

  SUBCASE("a commit greater than all that is kept is delivered") {
    const auto watch = std::move(*store.watch());
    must_commit(store, Transaction().put("m", "k", std::string(1u << 20, 'x')));
    CHECK(must_next(*watch).size() == 1);
  }

  SUBCASE("a snapshot is one revision, and answers the error of who reads") {
    must_commit(store, Transaction().put("m", "k", "0"));
    std::atomic<bool> done = false;
    std::thread writer([&] {
      for (int i = 0; !done; ++i)
        must_commit(store, Transaction().put("m", "k", std::to_string(i)));
    });
    for (int round = 0; round < 20; ++round) {
      std::uint64_t version = 0;
      const auto revision = store.snapshot([&](const Store& at) -> Result<void> {
        const auto first = at.get("m", "k");
        std::this_thread::yield();
        const auto second = at.get("m", "k");
        version = first && second && first->version == second->version ? first->version : 0;
        return {};
      });
      CHECK(version == *revision);
    }
    done = true;
    writer.join();
    const auto refused =
        store.snapshot([](const Store&) -> Result<void> { return fail(ErrorKind::io, "no"); });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "no");
  }

  SUBCASE("a watch that outlives the store is told") {
    const auto watch = std::move(*store.watch());
    must_commit(store, Transaction().put("m", "a", "1"));
    fixture.close();
    CHECK(must_next(*watch).size() == 1);
    const auto closed = watch->next(10s);
    REQUIRE_FALSE(closed);
    CHECK(closed.error().kind == ErrorKind::unavailable);
    CHECK(closed.error().message == "feed: the store was closed");
  }

  SUBCASE("readers beside writers end with what the store holds, those that lag too") {
    constexpr int writers = 4;
    constexpr int rounds = 60;
    std::atomic<int> failures = 0;
    std::atomic<int> writing = writers;
    const auto write = [&](int writer) {
      for (int round = 0; round < rounds; ++round) {
        const auto value = fmt::format("{}-{}", writer, round);
        const auto done = store.commit(Transaction()
                                           .put("m", fmt::format("of-{}", writer), value)
                                           .put("m", fmt::format("of-all-{}", round % 7), value));
        if (!done) ++failures;
      }
      --writing;
    };
    std::vector<Replica> replicas;
    for (int i = 0; i < 3; ++i) replicas.emplace_back(store);
    const auto read = [&](Replica& replica, int reader) {
      while (writing > 0) {
        if (reader < 2) replica.take(1ms);  // the last one reads when all is written
        std::this_thread::sleep_for(reader * 5ms);
      }
      const auto end = store.snapshot([](const Store&) { return Result<void>{}; });
      while (end && replica.revision() < *end) replica.take(100ms);
    };
    std::vector<std::thread> running;
    for (int i = 0; i < writers; ++i) running.emplace_back(write, i);
    for (int i = 0; i < 3; ++i)
      running.emplace_back(read, std::ref(replicas[static_cast<std::size_t>(i)]), i);
    for (auto& thread : running) thread.join();
    CHECK(failures == 0);
    std::map<std::string, std::string> held;
    const auto all = store.list("m");
    REQUIRE(all);
    for (const auto& record : *all) held[record.key] = record.value;
    for (const auto& replica : replicas) {
      CHECK(replica.broken == 0);
      CHECK(replica.records == held);
    }
    CHECK(replicas[2].lagged > 0);
  }
}

}  // namespace muster
