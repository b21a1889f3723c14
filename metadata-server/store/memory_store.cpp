#include "store/memory_store.hpp"

#include <algorithm>

namespace muster {

Result<Record> MemoryStore::get(std::string_view kind, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({std::string(kind), std::string(key)});
  if (found == entries_.end()) return no_record(kind, key);
  return Record{found->first.second, found->second.value, found->second.version};
}

Result<std::vector<Record>> MemoryStore::list(std::string_view kind, std::string_view prefix,
                                              std::string_view after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Record> records;
  auto entry = entries_.lower_bound({std::string(kind), std::string(std::max(prefix, after))});
  for (; entry != entries_.end() && records.size() < limit; ++entry) {
    const auto& [entry_kind, key] = entry->first;
    if (entry_kind != kind || !std::string_view(key).starts_with(prefix)) break;
    if (after.empty() || key > after) {
      records.push_back({key, entry->second.value, entry->second.version});
    }
  }
  return records;
}

Result<std::uint64_t> MemoryStore::count(std::string_view kind, std::string_view prefix) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t found = 0;
  for (auto entry = entries_.lower_bound({std::string(kind), std::string(prefix)});
       entry != entries_.end() && entry->first.first == kind &&
       std::string_view(entry->first.second).starts_with(prefix);
       ++entry) {
    ++found;
  }
  return found;
}

Result<std::uint64_t> MemoryStore::commit(const Transaction& transaction) {
  const std::lock_guard one_by_one(committing_);
  const std::uint64_t revision = log_.revision() + (transaction.changes.empty() ? 0 : 1);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& expectation : transaction.expectations) {
      const auto entry = entries_.find({expectation.kind, expectation.key});
      const std::uint64_t found = entry == entries_.end() ? 0 : entry->second.version;
      if (found != expectation.version) return pass(version_conflict(expectation, found));
    }
    for (const auto& change : transaction.changes) {
      if (change.value) {
        entries_[{change.kind, change.key}] = {*change.value, revision};
      } else {
        entries_.erase({change.kind, change.key});
      }
    }
  }
  if (!transaction.changes.empty()) log_.append(revision, transaction);
  return revision;
}

Result<std::unique_ptr<Watch>> MemoryStore::watch(std::optional<std::uint64_t> after) const {
  return log_.watch(after);
}

Result<std::uint64_t> MemoryStore::snapshot(
    const std::function<Result<void>(const Store& store)>& read) const {
  const std::lock_guard nobody_commits(committing_);
  if (auto done = read(*this); !done) return pass(done.error());
  return log_.revision();
}

}  // namespace muster
