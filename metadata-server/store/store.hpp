// Where the server keeps everything that must survive it. Records are named by (kind, key), carry a
// version, and change only in transactions guarded by the versions their author saw: the semantics
// of an etcd Txn, so that SQLite, memory and etcd can all keep it. tests/contract holds every store
// to it. Thread-safe: any method from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct Record {
  std::string key;
  std::string value;
  std::uint64_t version =
      0;  // grows with every change of this record, never reused; 0 = does not exist
};

class Transaction {
 public:
  // The commit fails with `conflict` unless (kind, key) still has `version` (0: must not exist).
  Transaction& expect(std::string_view kind, std::string_view key, std::uint64_t version);
  Transaction& put(std::string_view kind, std::string_view key, std::string value);
  Transaction& remove(std::string_view kind, std::string_view key);

  struct Expectation {
    std::string kind, key;
    std::uint64_t version;
  };
  struct Change {
    std::string kind, key;
    std::optional<std::string> value;  // nullopt removes
  };
  std::vector<Expectation> expectations;
  std::vector<Change> changes;  // applied in order
};

// What one transaction changed, whole: one change for each record that it touched, the last. A
// removal may name a record that was not there.
struct Commit {
  std::uint64_t revision = 0;  // the version of what it put
  std::vector<Transaction::Change> changes;
};
using Commits = std::vector<std::shared_ptr<const Commit>>;

// One reader's place in the feed. Not thread-safe; may outlive the store.
class Watch {
 public:
  virtual ~Watch() = default;
  // The commits that follow, in order, none left out and none twice. Waits up to `patience` for the
  // first; empty: there was none.
  // not_found, from now on: it lags behind what is kept; list anew and watch from there.
  // unavailable: the store was closed.
  [[nodiscard]] virtual Result<Commits> next(std::chrono::milliseconds patience) = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  // not_found when there is none: never used for "the store could not be read" (unavailable,
  // corrupt).
  [[nodiscard]] virtual Result<Record> get(std::string_view kind, std::string_view key) const = 0;
  // Records whose key starts with `prefix`, key order, after the key `after`, at most `limit`.
  [[nodiscard]] virtual Result<std::vector<Record>> list(std::string_view kind,
                                                         std::string_view prefix = {},
                                                         std::string_view after = {},
                                                         std::size_t limit = 10000) const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> count(std::string_view kind,
                                                    std::string_view prefix = {}) const = 0;
  // All or nothing, durable when it returns. Answers the revision of the store that it made; one
  // that changes nothing answers the revision at which its expectations hold. conflict: one does
  // not.
  [[nodiscard]] virtual Result<std::uint64_t> commit(const Transaction& transaction) = 0;
  // The feed: every commit after revision `after`, or after now. not_found: they are not kept any
  // more (fail_compacted). What is kept is bounded; how much is the store's.
  [[nodiscard]] virtual Result<std::unique_ptr<Watch>> watch(
      std::optional<std::uint64_t> after = std::nullopt) const = 0;
  // Calls `read` once with the store as it is at one revision, and answers that revision, or the
  // error of `read`, which must not commit. Commits may wait meanwhile: for what is read whole.
  [[nodiscard]] virtual Result<std::uint64_t> snapshot(
      const std::function<Result<void>(const Store& store)>& read) const = 0;
};

// What every store answers for a record that does not exist.
[[nodiscard]] tl::unexpected<Error> no_record(std::string_view kind, std::string_view key);
// What every store answers for an expectation that does not hold; `found` 0: there is none.
[[nodiscard]] Error version_conflict(const Transaction::Expectation& expectation,
                                     std::uint64_t found);
// What every store answers for a feed that it has forgotten the beginning of: `dropped` is the last
// revision that is not kept.
[[nodiscard]] tl::unexpected<Error> fail_compacted(std::uint64_t after, std::uint64_t dropped);

// Commits, where nobody asks for the revision.
[[nodiscard]] Result<void> commit(Store& store, const Transaction& transaction);

// Reads `kind`/`key`, lets `change` decide, commits guarded by the version read; tries again on
// conflict (bounded: unavailable after 100). `change` gets nullopt where the record does not exist,
// fills the transaction (the guard is already in it; no change: nothing is committed) and may be
// called several times; an error of its own ends the update at once, conflict included.
[[nodiscard]] Result<void> update(
    Store& store, std::string_view kind, std::string_view key,
    const std::function<Result<void>(const std::optional<std::string>& value,
                                     Transaction& transaction)>& change);

}  // namespace muster
