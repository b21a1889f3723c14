#include "store/views.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "store/memory_store.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

// The values of kind "m", as somebody reads them from many threads.
class Values final : public View {
 public:
  Result<void> load(const Store& store) override {
    ++loads;
    if (refuses) return fail(ErrorKind::corrupt, "m 'k': unreadable");
    const auto all = store.list("m");
    if (!all) return pass(all.error());
    const std::lock_guard lock(mutex_);
    values_.clear();
    for (const auto& record : *all) values_[record.key] = record.value;
    return {};
  }
  Result<void> follow(const Commit& commit) override {
    std::this_thread::sleep_for(pause.load());
    const std::lock_guard lock(mutex_);
    revisions.push_back(commit.revision);
    for (const auto& change : commit.changes) {
      if (change.kind == "m") values_[change.key] = change.value.value_or("gone");
      if (change.value == "unreadable") return fail(ErrorKind::corrupt, "m: unreadable");
    }
    return {};
  }
  [[nodiscard]] std::string of(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? "" : found->second;
  }

  std::atomic<int> loads = 0;
  std::atomic<bool> refuses = false;
  std::atomic<std::chrono::milliseconds> pause = 0ms;
  std::vector<std::uint64_t> revisions;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> values_;
};

struct Fed {
  MemoryStore memory{FeedLimits{4, 4096}};
  Values first, second;
  std::vector<std::string> told;
  Views views{memory, {&first, &second}, 300ms, [this](const Error& error) {
                told.push_back(error.message);
              }};
  ViewedStore store{memory, views};
};

}  // namespace

TEST_CASE("whoever committed reads what it wrote, in every view") {
  Fed fed;
  REQUIRE(fed.memory.commit(Transaction().put("m", "a", "before")));
  REQUIRE(fed.views.load());
  CHECK(fed.first.of("a") == "before");
  const auto revision = fed.store.commit(Transaction().put("m", "a", "1").put("n", "b", "2"));
  REQUIRE(revision);
  CHECK(fed.views.revision() == *revision);
  CHECK(fed.first.of("a") == "1");
  CHECK(fed.second.of("a") == "1");
  CHECK(fed.first.of("b").empty());
  REQUIRE(fed.store.commit(Transaction().remove("m", "a")));
  CHECK(fed.second.of("a") == "gone");
  CHECK(fed.first.loads == 1);
}

TEST_CASE("of two writers in conflict, neither view nor feed has what was refused") {
  Fed fed;
  REQUIRE(fed.views.load());
  const auto first = fed.store.commit(Transaction().expect("m", "a", 0).put("m", "a", "one"));
  REQUIRE(first);
  const auto second = fed.store.commit(Transaction().expect("m", "a", 0).put("m", "a", "two"));
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::conflict);
  CHECK(fed.first.of("a") == "one");
  CHECK(fed.first.revisions == std::vector<std::uint64_t>{*first});
}

TEST_CASE("views that lag behind what is kept list anew") {
  Fed fed;
  REQUIRE(fed.views.load());
  for (int i = 0; i < 9; ++i) REQUIRE(fed.memory.commit(Transaction().put("m", "a", "others'")));
  CHECK(fed.first.of("a").empty());  // nobody waited for it
  REQUIRE(fed.store.commit(Transaction().put("m", "b", "mine")));
  CHECK(fed.first.of("a") == "others'");
  CHECK(fed.second.of("b") == "mine");
  CHECK(fed.first.loads == 2);
  REQUIRE(fed.store.commit(Transaction().put("m", "b", "mine again")));
  CHECK(fed.first.of("b") == "mine again");
  CHECK(fed.first.loads == 2);
}

TEST_CASE("a listing that fails is told to who waits, and made good by the next") {
  Fed fed;
  REQUIRE(fed.views.load());
  for (int i = 0; i < 9; ++i) REQUIRE(fed.memory.commit(Transaction().put("m", "a", "others'")));
  fed.second.refuses = true;
  const auto refused = fed.store.commit(Transaction().put("m", "b", "1"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unavailable);
  CHECK(refused.error().code == "views_behind");
  CHECK(
      refused.error().message ==
      "m 'k': unreadable: store: revision 10 is committed, and what answers here has only revision 0 after 300 ms; nothing is lost, ask again");
  CHECK(fed.memory.get("m", "b")->value == "1");
  fed.second.refuses = false;
  REQUIRE(fed.store.commit(Transaction().put("m", "c", "1")));
  CHECK(fed.second.of("b") == "1");
  CHECK(fed.second.of("c") == "1");
}

TEST_CASE("what a view cannot read is told once by each, and holds nobody up") {
  Fed fed;
  REQUIRE(fed.views.load());
  REQUIRE(fed.store.commit(Transaction().put("m", "a", "unreadable")));
  CHECK(fed.told == std::vector<std::string>{"m: unreadable", "m: unreadable"});
  REQUIRE(fed.store.commit(Transaction().put("m", "a", "1")));
  CHECK(fed.second.of("a") == "1");
  CHECK(fed.told.size() == 2);
}

TEST_CASE("behind a view that takes too long a writer is told that it is committed") {
  Fed fed;
  REQUIRE(fed.views.load());
  fed.first.pause = 900ms;
  std::thread slow([&] { CHECK(fed.store.commit(Transaction().put("m", "a", "1"))); });
  std::this_thread::sleep_for(100ms);
  const auto begun = std::chrono::steady_clock::now();
  const auto behind = fed.store.commit(Transaction().put("m", "b", "1"));
  CHECK(std::chrono::steady_clock::now() - begun < 800ms);
  REQUIRE_FALSE(behind);
  CHECK(behind.error().kind == ErrorKind::unavailable);
  CHECK(
      behind.error().message ==
      "store: revision 2 is committed, and what answers here has only revision 0 after 300 ms; nothing is lost, ask again");
  CHECK(fed.memory.get("m", "b")->value == "1");
  slow.join();
  fed.first.pause = 0ms;
  REQUIRE(fed.store.commit(Transaction().put("m", "c", "1")));
  CHECK(fed.first.of("b") == "1");
}

TEST_CASE("a watch of the store that writers have delivers what the views have") {
  Fed fed;
  REQUIRE(fed.views.load());
  const auto watch = std::move(*fed.store.watch());
  REQUIRE(fed.memory.commit(Transaction().put("m", "a", "others'")));
  CHECK(fed.first.of("a").empty());
  const auto commits = watch->next(0ms);
  REQUIRE(commits);
  CHECK(commits->size() == 1);
  CHECK(fed.first.of("a") == "others'");
  CHECK(watch->next(0ms)->empty());
}

TEST_CASE("writers in several threads each find theirs, and views follow in order, once") {
  Fed fed;
  REQUIRE(fed.views.load());
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      const auto key = fmt::format("of-{}", writer);
      for (int round = 0; round < 100; ++round) {
        const auto value = fmt::format("{}", round);
        if (!fed.store.commit(Transaction().put("m", key, value)) || fed.first.of(key) != value ||
            fed.second.of(key) != value) {
          ++failures;
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  CHECK(failures == 0);
  CHECK(std::is_sorted(fed.first.revisions.begin(), fed.first.revisions.end()));
  CHECK(fed.first.revisions.size() <= 400);
  CHECK(fed.views.revision() == 400);
}

}  // namespace muster
