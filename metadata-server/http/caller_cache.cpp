#include "http/caller_cache.hpp"

#include <algorithm>

#include "store/kinds.hpp"

namespace muster {

std::optional<Caller> CallerCache::find(const std::string& certificate_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(certificate_id);
  if (found == entries_.end()) return std::nullopt;
  if (std::chrono::steady_clock::now() < found->second.until) return found->second.caller;
  entries_.erase(found);
  return std::nullopt;
}

std::uint64_t CallerCache::generation() {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void CallerCache::put(const std::string& certificate_id, const Caller& caller,
                      std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return;
  if (entries_.size() >= capacity_) entries_.clear();
  entries_[certificate_id] = {caller, std::chrono::steady_clock::now() + lifetime_};
}

void CallerCache::forget_all() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  entries_.clear();
}

Result<Record> CallerWatchingStore::get(std::string_view kind, std::string_view key) const {
  return store_.get(kind, key);
}

Result<std::vector<Record>> CallerWatchingStore::list(std::string_view kind,
                                                      std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) const {
  return store_.list(kind, prefix, after, limit);
}

Result<std::uint64_t> CallerWatchingStore::count(std::string_view kind,
                                                 std::string_view prefix) const {
  return store_.count(kind, prefix);
}

Result<void> CallerWatchingStore::commit(const Transaction& transaction) {
  auto committed = store_.commit(transaction);
  const auto touches_callers = [](const Transaction::Change& change) {
    return change.kind == kinds::machine || change.kind == kinds::operator_record;
  };
  if (std::any_of(transaction.changes.begin(), transaction.changes.end(), touches_callers)) {
    cache_.forget_all();
  }
  return committed;
}

}  // namespace muster
