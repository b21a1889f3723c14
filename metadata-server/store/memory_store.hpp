// A store that forgets: for tests, and for tools that compile without a server.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "store/commit_log.hpp"

namespace muster {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(FeedLimits limits = {}) : log_(limits) {}
  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override;
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind,
                                                 std::string_view prefix = {},
                                                 std::string_view after = {},
                                                 std::size_t limit = 10000) const override;
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix = {}) const override;
  [[nodiscard]] Result<std::uint64_t> commit(const Transaction& transaction) override;
  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(
      std::optional<std::uint64_t> after = std::nullopt) const override;
  [[nodiscard]] Result<std::uint64_t> snapshot(
      const std::function<Result<void>(const Store& store)>& read) const override;

 private:
  struct Entry {
    std::string value;
    std::uint64_t version = 0;
  };
  mutable std::mutex committing_;  // one commit or snapshot at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
  CommitLog log_;  // its revision is the whole store's, so that a version is never reused
};

}  // namespace muster
