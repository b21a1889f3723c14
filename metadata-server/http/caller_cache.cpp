#include "http/caller_cache.hpp"

#include "enrolment/machine.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

// Machines change with nearly each report; what changed of an operator is looked up.
bool is_still_let_in(const Transaction::Change& change) {
  if (change.kind != kinds::machine || !change.value) return false;
  return parse_machine_record(*change.value).has_value();
}

}  // namespace

Result<void> CallerCache::load(const Store&) {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  changed_.clear();
  banned_.clear();
  oldest_ = ++changes_;
  return {};
}

Result<void> CallerCache::follow(const Commit& commit) {
  for (const auto& change : commit.changes) {
    if (change.kind == kinds::ban) note_ban("machine " + change.key, change.value.has_value());
    // The kinds are what Caller::text() calls the two.
    if (change.kind == kinds::machine || change.kind == kinds::operator_record)
      forget(fmt::format("{} {}", change.kind, change.key), is_still_let_in(change));
  }
  return {};
}

std::optional<Caller> CallerCache::find(const std::string& certificate_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(certificate_id);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (changed_since(entry.text, entry.changes)) return std::nullopt;
  return entry.caller;
}

std::optional<Caller> CallerCache::last_known(const std::string& certificate_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(certificate_id);
  if (found == entries_.end()) return std::nullopt;
  const auto& [caller, text, changes] = found->second;
  if (banned_.contains(text)) return std::nullopt;
  if (!changed_since(text, changes)) return caller;
  const auto changed = changed_.find(text);
  const bool is_let_in = changed != changed_.end() && changed->second.is_still_let_in;
  return is_let_in ? std::optional(caller) : std::nullopt;
}

void CallerCache::forget_certificate(const std::string& certificate_id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(certificate_id);
}

std::uint64_t CallerCache::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

bool CallerCache::changed_since(const std::string& caller, std::uint64_t changes) const {
  if (changes < oldest_) return true;
  const auto found = changed_.find(caller);
  return found != changed_.end() && found->second.number > changes;
}

void CallerCache::put(const std::string& certificate_id, const Caller& caller,
                      std::uint64_t changes_before) {
  std::string text = caller.text();
  const std::lock_guard lock(mutex_);
  if (changed_since(text, changes_before)) return;
  if (entries_.size() >= capacity_) entries_.clear();
  entries_[certificate_id] = {caller, std::move(text), changes_before};
}

void CallerCache::note_ban(const std::string& caller, bool is_banned) {
  {
    const std::lock_guard lock(mutex_);
    if (is_banned)
      banned_.insert(caller);
    else
      banned_.erase(caller);
  }
  forget(caller, true);
}

void CallerCache::forget(const std::string& caller, bool is_still_let_in) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  if (changed_.size() >= capacity_) {
    changed_.clear();
    oldest_ = changes_;
  }
  changed_[caller] = {changes_, is_still_let_in};
}

}  // namespace muster
