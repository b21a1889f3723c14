#include "records/audit_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "records/audit.hpp"
#include "store/views.hpp"

namespace muster {
namespace {

constexpr const char* the_others = "others";

std::string detail_of(const std::string& detail, std::uint64_t count, bool is_told) {
  if (is_told) return fmt::format("{} more times; the first: {}", count, detail);
  return count == 1 ? detail : fmt::format("{} times; the first: {}", count, detail);
}

}  // namespace

// Where there is no room for one more, it is one of the others.
AuditCounts::Key AuditCounts::bounded(Key key) const {
  if (counts_.contains(key)) return key;
  std::size_t rows = 0, of_actor = 0;
  for (auto at = counts_.lower_bound({key.action, "", ""});
       at != counts_.end() && at->first.action == key.action; ++at) {
    ++rows;
    if (at->first.actor == key.actor) ++of_actor;
  }
  if (of_actor >= limits_.per_actor) key.subject = the_others;
  if (rows >= limits_.rows && !counts_.contains(key)) return {key.action, the_others, the_others};
  return key;
}

void AuditCounts::note(const std::string& action, const std::string& actor,
                       const std::string& subject, const std::string& detail, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = counts_.try_emplace(bounded({action, actor, subject}));
  Count& count = at->second;
  if (is_new) {
    count.detail = detail;
    count.since = now;
    next_end_ = std::min(next_end_, now + limits_.window);
    is_news_ = true;
  }
  ++count.unwritten;
}

bool AuditCounts::has_row_left(const std::string& actor, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Rows& rows = rows_[actor];
  // A clock that was put back begins no window that lasts until it is there again.
  if (rows.count == 0 || now < rows.since || now >= rows.since + limits_.window) rows = {now, 0};
  return ++rows.count <= limits_.own_rows;
}

void AuditCounts::append(Transaction& transaction, TimePoint now, const std::string& actor,
                         const std::string& action, const std::string& subject,
                         const std::string& detail) {
  if (has_row_left(actor, now))
    return append_audit(transaction, now, actor, action, subject, detail);
  note(action, actor, subject, detail, now);
}

Result<void> AuditCounts::flush(Store& store, TimePoint now) {
  return write(store, now, false);
}

Result<void> AuditCounts::flush_all(Store& store, TimePoint now) {
  return write(store, now, true);
}

Result<void> AuditCounts::write(Store& store, TimePoint now, bool all) {
  const std::lock_guard alone(writing_);
  Transaction transaction;
  std::vector<std::pair<Key, std::uint64_t>> written;
  {
    const std::lock_guard lock(mutex_);
    if (!all && !is_news_ && now < next_end_) return {};
    for (const auto& [key, count] : counts_) {
      const bool is_due = all || !count.is_told || now >= count.since + limits_.window;
      if (!is_due || count.unwritten == 0) continue;
      // By when it is written: whoever reads on from the last row misses none.
      append_audit(transaction, now, key.actor, key.action, key.subject,
                   detail_of(count.detail, count.unwritten, count.is_told));
      written.emplace_back(key, count.unwritten);
    }
  }
  if (!transaction.changes.empty()) {
    const auto committed = store.commit(transaction);
    if (!committed && !is_committed(committed.error())) return pass(committed.error());
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [key, told] : written) {
    Count& count = counts_.at(key);
    count.unwritten -= told;
    count.is_told = true;
  }
  std::erase_if(counts_, [&](const auto& entry) {
    return now >= entry.second.since + limits_.window && entry.second.unwritten == 0;
  });
  is_news_ = false;
  next_end_ = TimePoint::max();
  for (const auto& [key, count] : counts_) {
    is_news_ = is_news_ || !count.is_told;
    next_end_ = std::min(next_end_, count.since + limits_.window);
  }
  return {};
}

}  // namespace muster
