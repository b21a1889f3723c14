// A store that does as another does, and lets a test stand between any two of its commits.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "store/store.hpp"

namespace muster {

class HookedStore final : public Store {
 public:
  explicit HookedStore(Store& store) : store_(store) {}

  // Runs once, before the next commit takes place: after its author has read what it rests on.
  std::function<void()> before_commit;
  // Runs once, after the next commit took place: before its author goes on.
  std::function<void()> after_commit;
  // Called before each read of records, with the key or the prefix.
  std::function<void(std::string_view kind, std::string_view key)> on_read;
  // What kill -9 leaves: only so many more commits take place, then nothing answers any more.
  std::atomic<std::size_t> commits_left = std::numeric_limits<std::size_t>::max();
  std::atomic<std::size_t> commits = 0;  // that took place
  [[nodiscard]] bool is_dead() const { return commits_left == 0; }

  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override {
    if (is_dead()) return dead();
    if (on_read) on_read(kind, key);
    return store_.get(kind, key);
  }
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind, std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t limit) const override {
    if (is_dead()) return dead();
    if (on_read) on_read(kind, prefix);
    return store_.list(kind, prefix, after, limit);
  }
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix) const override {
    if (is_dead()) return dead();
    return store_.count(kind, prefix);
  }
  [[nodiscard]] Result<std::uint64_t> commit(const Transaction& transaction) override {
    // A question: nothing takes place.
    if (transaction.changes.empty() && !is_dead()) return store_.commit(transaction);
    if (const auto hook = take(before_commit)) hook();
    if (is_dead()) return dead();
    auto committed = store_.commit(transaction);
    if (!committed) return committed;
    ++commits;
    --commits_left;
    if (const auto hook = take(after_commit)) hook();
    return committed;
  }

  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(
      std::optional<std::uint64_t> after) const override {
    if (is_dead()) return dead();
    return store_.watch(after);
  }
  [[nodiscard]] Result<std::uint64_t> snapshot(
      const std::function<Result<void>(const Store& store)>& read) const override {
    if (is_dead()) return dead();
    return store_.snapshot(read);
  }

 private:
  // Commits come from several threads.
  std::function<void()> take(std::function<void()>& hook) {
    const std::lock_guard lock(mutex_);
    return std::exchange(hook, nullptr);
  }
  static tl::unexpected<Error> dead() {
    return fail(ErrorKind::unavailable, "the store is gone: the test killed it");
  }
  Store& store_;
  std::mutex mutex_;
};

}  // namespace muster
