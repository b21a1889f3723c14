// The commits that the watches of one process's store have not read yet: how SQLite and memory tell
// their own. One log for all watches, each with its place in it, so that a slow reader costs no
// writer anything. Nothing is kept where nobody watches. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "store/store.hpp"

namespace muster {

// What is kept for the slowest reader. The newest commit is kept whatever its size.
struct FeedLimits {
  std::size_t commits = 10000;
  std::size_t bytes = 64u << 20;  // of keys and values
};

class CommitLog {
 public:
  // `revision`: of the store as it is.
  explicit CommitLog(FeedLimits limits, std::uint64_t revision = 0);
  ~CommitLog();  // ends its watches: they answer `unavailable`
  CommitLog(const CommitLog&) = delete;

  // What became durable as `revision`. One caller at a time, revisions in order.
  void append(std::uint64_t revision, const Transaction& transaction);
  // Of the last commit.
  [[nodiscard]] std::uint64_t revision() const;
  // Store::watch.
  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(std::optional<std::uint64_t> after) const;

 private:
  class Reader;
  struct Shared;
  std::shared_ptr<Shared> shared_;  // outlives the log where a watch does
};

}  // namespace muster
