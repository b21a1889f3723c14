// What every Store promises. A test file includes this and invokes it for its store:
//   TEST_CASE_TEMPLATE_INVOKE(store_contract, MemoryFixture);
// A fixture is default-constructible, empty at first, and has `Store& store()`.
#pragma once

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "store/store.hpp"

namespace muster {

inline std::vector<std::string> keys_of(const Result<std::vector<Record>>& records) {
  std::vector<std::string> keys;
  REQUIRE(records.has_value());
  for (const auto& record : *records) keys.push_back(record.key);
  return keys;
}

inline void must_commit(Store& store, const Transaction& transaction) {
  const auto committed = store.commit(transaction);
  REQUIRE_MESSAGE(committed.has_value(), (committed ? "" : committed.error().message));
}

TEST_CASE_TEMPLATE_DEFINE("store contract", Fixture, store_contract) {
  Fixture fixture;
  Store& store = fixture.store();
  using Keys = std::vector<std::string>;

  SUBCASE("a record that does not exist is not_found, by name") {
    const auto missing = store.get("machine", "lab/m1");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == ErrorKind::not_found);
    CHECK(missing.error().message == "machine 'lab/m1': there is none");
    CHECK(*store.count("machine") == 0);
    CHECK(keys_of(store.list("machine")).empty());
  }

  SUBCASE("what was put is read back byte for byte") {
    const std::string bytes("a\0b\xff\n", 5);
    must_commit(store, Transaction().put("secret", "k", bytes).put("secret", "empty", ""));
    CHECK(store.get("secret", "k")->value == bytes);
    CHECK(store.get("secret", "k")->key == "k");
    CHECK(store.get("secret", "empty")->value.empty());
  }

  SUBCASE("kinds do not see each other") {
    must_commit(store, Transaction().put("a", "k", "1").put("b", "k", "2"));
    CHECK(store.get("a", "k")->value == "1");
    CHECK(*store.count("a") == 1);
    must_commit(store, Transaction().remove("a", "k"));
    CHECK(store.get("b", "k")->value == "2");
  }

  SUBCASE("a version guards against what its author did not see") {
    must_commit(store, Transaction().expect("m", "k", 0).put("m", "k", "1"));
    const auto first = store.get("m", "k")->version;
    CHECK(first > 0);
    must_commit(store, Transaction().expect("m", "k", first).put("m", "k", "2"));
    const auto second = store.get("m", "k")->version;
    CHECK(second > first);

    const auto stale = store.commit(Transaction().expect("m", "k", first).put("m", "k", "3"));
    REQUIRE_FALSE(stale);
    CHECK(stale.error().kind == ErrorKind::conflict);
    CHECK(
        stale.error().message ==
        fmt::format("m 'k': expected version {}, found version {}; read it again", first, second));
    const auto exists = store.commit(Transaction().expect("m", "k", 0).put("m", "k", "3"));
    REQUIRE_FALSE(exists);
    CHECK(exists.error().message ==
          fmt::format("m 'k': expected none, found version {}; read it again", second));
    const auto gone = store.commit(Transaction().expect("m", "x", 7).put("m", "x", "3"));
    REQUIRE_FALSE(gone);
    CHECK(gone.error().message == "m 'x': expected version 7, found none; read it again");
    CHECK(store.get("m", "k")->value == "2");
  }

  SUBCASE("an expectation alone is checked and changes nothing") {
    must_commit(store, Transaction().put("m", "k", "1"));
    const auto version = store.get("m", "k")->version;
    must_commit(store, Transaction().expect("m", "k", version));
    CHECK_FALSE(store.commit(Transaction().expect("m", "k", version + 1)));
    CHECK(store.get("m", "k")->version == version);
  }

  SUBCASE("a version is never used again, not even after a removal") {
    must_commit(store, Transaction().put("m", "k", "1"));
    const auto first = store.get("m", "k")->version;
    must_commit(store, Transaction().remove("m", "k"));
    must_commit(store, Transaction().put("m", "k", "1"));
    CHECK(store.get("m", "k")->version > first);
    CHECK_FALSE(store.commit(Transaction().expect("m", "k", first).remove("m", "k")));
  }

  SUBCASE("all or nothing") {
    must_commit(store, Transaction().put("m", "a", "old").put("m", "gone", "old"));
    const auto refused = store.commit(Transaction()
                                          .put("m", "a", "new")
                                          .put("m", "b", "new")
                                          .remove("m", "gone")
                                          .expect("m", "c", 99));
    CHECK_FALSE(refused);
    CHECK(store.get("m", "a")->value == "old");
    CHECK_FALSE(store.get("m", "b"));
    CHECK(store.get("m", "gone")->value == "old");
  }

  SUBCASE("changes of one transaction apply in their order") {
    must_commit(store, Transaction().put("m", "k", "1").remove("m", "k").put("m", "k", "2"));
    CHECK(store.get("m", "k")->value == "2");
    must_commit(store, Transaction().put("m", "k", "3").remove("m", "k"));
    CHECK_FALSE(store.get("m", "k"));
  }

  SUBCASE("removing what is not there is not an error") {
    CHECK(store.commit(Transaction().remove("m", "k")));
  }

  SUBCASE("lists by prefix, in byte order, page by page") {
    must_commit(store, Transaction()
                           .put("m", "lab/a", "1")
                           .put("m", "lab/b", "2")
                           .put("m", "lab/c", "3")
                           .put("m", "lab", "4")
                           .put("m", "lab2/a", "5")
                           .put("m", "lab/\xff", "6")
                           .put("m", "Lab/a", "7"));
    CHECK(keys_of(store.list("m")) ==
          Keys{"Lab/a", "lab", "lab/a", "lab/b", "lab/c", "lab/\xff", "lab2/a"});
    CHECK(keys_of(store.list("m", "lab/")) == Keys{"lab/a", "lab/b", "lab/c", "lab/\xff"});
    CHECK(keys_of(store.list("m", "lab/", "", 2)) == Keys{"lab/a", "lab/b"});
    CHECK(keys_of(store.list("m", "lab/", "lab/b", 2)) == Keys{"lab/c", "lab/\xff"});
    CHECK(keys_of(store.list("m", "lab/", "lab/zzz")) == Keys{"lab/\xff"});
    CHECK(keys_of(store.list("m", "lab/", "a")) == keys_of(store.list("m", "lab/")));
    CHECK(keys_of(store.list("m", "lab/", "m")).empty());
    CHECK(keys_of(store.list("m", "\xff")).empty());
    CHECK(keys_of(store.list("m", "", "", 0)).empty());
    CHECK(*store.count("m") == 7);
    CHECK(*store.count("m", "lab/") == 4);
    CHECK(store.list("m", "lab/")->front().value == "1");
    CHECK(store.list("m", "lab/")->front().version == store.get("m", "lab/a")->version);
  }

  SUBCASE("update reads, decides and commits; without a change it commits nothing") {
    const auto append = [](const std::optional<std::string>& value, Transaction& transaction) {
      transaction.put("m", "k", value.value_or("") + "x");
      return Result<void>{};
    };
    CHECK(update(store, "m", "k", append));
    CHECK(update(store, "m", "k", append));
    const auto written = store.get("m", "k");
    CHECK(written->value == "xx");
    CHECK(update(store, "m", "k", [](const auto&, Transaction&) { return Result<void>{}; }));
    CHECK(store.get("m", "k")->version == written->version);
  }

  SUBCASE("update tries again when somebody was faster, but not on an error of the change's own") {
    int calls = 0;
    CHECK(update(store, "m", "k", [&](const auto& value, Transaction& transaction) {
      if (++calls == 1) must_commit(store, Transaction().put("m", "k", "faster"));
      transaction.put("m", "k", value.value_or("nothing") + "+mine");
      return Result<void>{};
    }));
    CHECK(calls == 2);
    CHECK(store.get("m", "k")->value == "faster+mine");

    calls = 0;
    const auto refused = update(store, "m", "k", [&](const auto&, Transaction&) -> Result<void> {
      ++calls;
      return fail(ErrorKind::conflict, "a live identity holds this name");
    });
    CHECK(calls == 1);
    CHECK(refused.error().message == "a live identity holds this name");
  }

  SUBCASE("update gives up when a record never stands still") {
    int calls = 0;
    const auto busy = update(store, "m", "k", [&](const auto&, Transaction& transaction) {
      must_commit(store, Transaction().put("m", "k", fmt::format("{}", ++calls)));
      transaction.put("m", "k", "mine");
      return Result<void>{};
    });
    REQUIRE_FALSE(busy);
    CHECK(calls == 100);
    CHECK(busy.error().kind == ErrorKind::unavailable);
    CHECK(busy.error().message == "m 'k': changed by others during 100 attempts; try again later");
  }

  SUBCASE("writers in several threads do not lose or tear an update") {
    // Two records move together: each reader must see the sum unchanged, and no increment is lost.
    must_commit(store, Transaction().put("m", "count", "0").put("m", "mirror", "0"));
    constexpr int threads = 4;
    constexpr int rounds = 40;
    std::atomic<int> failures = 0;
    const auto write = [&] {
      for (int round = 0; round < rounds; ++round) {
        const auto done =
            update(store, "m", "count", [](const auto& value, Transaction& transaction) {
              const auto next = fmt::format("{}", std::stoi(value.value_or("0")) + 1);
              transaction.put("m", "count", next).put("m", "mirror", next);
              return Result<void>{};
            });
        if (!done) ++failures;
      }
    };
    const auto read = [&] {
      for (int round = 0; round < rounds; ++round) {
        const auto both = store.list("m");
        if (!both || both->size() != 2 || both->at(0).value != both->at(1).value ||
            both->at(0).version != both->at(1).version) {
          ++failures;
        }
      }
    };
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back(write);
    running.emplace_back(read);
    for (auto& thread : running) thread.join();
    CHECK(failures == 0);
    CHECK(store.get("m", "count")->value == "160");
    CHECK(store.get("m", "mirror")->value == "160");
  }
}

}  // namespace muster
