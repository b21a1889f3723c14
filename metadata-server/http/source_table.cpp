#include "http/source_table.hpp"

namespace muster {

SourceTable::Entry SourceTable::enter(const std::string& source) {
  const std::lock_guard lock(mutex_);
  if (open_ >= total_) return Entry::full;
  std::size_t& count = counts_[source];
  if (per_source_ > 0 && count >= per_source_) return Entry::source_full;
  ++count;
  ++open_;
  return Entry::taken;
}

void SourceTable::leave(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(source);
  if (found == counts_.end()) return;
  --open_;
  if (--found->second == 0) counts_.erase(found);
}

std::size_t SourceTable::open() {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace muster
