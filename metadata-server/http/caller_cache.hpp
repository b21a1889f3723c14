// Who a client certificate belongs to, kept for a moment, so that a poll of a current document
// reads no store. What a transaction changes of a machine or an operator is forgotten before its
// author hears that it is done; what is known of all others stays. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "enrolment/caller.hpp"
#include "store/store.hpp"

namespace muster {

class CallerCache {
 public:
  // `lifetime` bounds what another server on the same store may have changed unseen.
  explicit CallerCache(std::chrono::milliseconds lifetime = std::chrono::seconds(1),
                       std::size_t capacity = 32768)
      : lifetime_(lifetime), capacity_(capacity) {}

  [[nodiscard]] std::optional<Caller> find(const std::string& certificate_id);
  // How many changes there were. To be taken before the store is read, and given to put(): an
  // answer that was overtaken by a change of this caller is not kept.
  [[nodiscard]] std::uint64_t changes();
  void put(const std::string& certificate_id, const Caller& caller, std::uint64_t changes_before);
  // `caller`: Caller::text(), "machine lab/m1".
  void forget(const std::string& caller);

 private:
  struct Entry {
    Caller caller;
    std::string text;  // of the caller
    std::uint64_t changes = 0;
    std::chrono::steady_clock::time_point until;
  };
  [[nodiscard]] bool changed_since(const std::string& caller, std::uint64_t changes) const;

  const std::chrono::milliseconds lifetime_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::uint64_t changes_ = 0;
  std::uint64_t oldest_ = 0;  // what was read before this many changes may have been overtaken
  std::unordered_map<std::string, std::uint64_t> changed_;  // caller -> the number of its last one
  std::unordered_map<std::string, Entry> entries_;
};

// The store as everybody should see it: a commit makes the cache forget the machines and operators
// that it touches.
class CallerWatchingStore final : public Store {
 public:
  CallerWatchingStore(Store& store, CallerCache& cache) : store_(store), cache_(cache) {}
  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override;
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind, std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t limit) const override;
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix) const override;
  [[nodiscard]] Result<void> commit(const Transaction& transaction) override;

 private:
  Store& store_;
  CallerCache& cache_;
};

}  // namespace muster
