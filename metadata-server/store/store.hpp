// Where the server keeps everything that must survive it. Records are named by (kind, key), carry a
// version, and change only in transactions guarded by the versions their author saw: the semantics
// of an etcd Txn, so that SQLite, memory and etcd can all keep it. tests/contract holds every store
// to it. Thread-safe: any method from any thread.
#pragma once

#include <cstdint>
#include <functional>
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
  // All or nothing, durable when it returns. conflict: an expectation does not hold.
  [[nodiscard]] virtual Result<void> commit(const Transaction& transaction) = 0;
};

// What every store answers for a record that does not exist.
[[nodiscard]] tl::unexpected<Error> no_record(std::string_view kind, std::string_view key);
// What every store answers for an expectation that does not hold; `found` 0: there is none.
[[nodiscard]] Error version_conflict(const Transaction::Expectation& expectation,
                                     std::uint64_t found);

// Reads `kind`/`key`, lets `change` decide, commits guarded by the version read; tries again on
// conflict (bounded: unavailable after 100). `change` gets nullopt where the record does not exist,
// fills the transaction (the guard is already in it; no change: nothing is committed) and may be
// called several times; an error of its own ends the update at once, conflict included.
[[nodiscard]] Result<void> update(
    Store& store, std::string_view kind, std::string_view key,
    const std::function<Result<void>(const std::optional<std::string>& value,
                                     Transaction& transaction)>& change);

}  // namespace muster
