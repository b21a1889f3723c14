#include "agent/run/backoff.hpp"

#include <algorithm>

namespace muster {

std::chrono::seconds Backoff::left(const std::string& subject, Time now) const {
  const auto found = rows_.find(subject);
  if (found == rows_.end() || found->second.next <= now) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(found->second.next - now);
}

const Failure* Backoff::failure(const std::string& subject) const {
  const auto found = rows_.find(subject);
  return found == rows_.end() ? nullptr : &found->second.failure;
}

bool Backoff::has_failed_again(const std::string& subject) const {
  const auto found = rows_.find(subject);
  return found != rows_.end() && found->second.pause > first_pause;
}

void Backoff::keep_only(const std::set<std::string>& subjects) {
  std::erase_if(rows_, [&](const auto& row) { return subjects.count(row.first) == 0; });
}

void Backoff::explained(const Failure& failure) {
  const auto found = rows_.find(failure.subject);
  if (found != rows_.end()) found->second.failure = failure;
}

void Backoff::failed(const std::string& subject, Failure failure, Time now) {
  Row& row = rows_[subject];
  row.failure = std::move(failure);
  row.pause = row.pause.count() == 0 ? first_pause : std::min(row.pause * 2, longest_pause);
  row.next = now + row.pause;
}

}  // namespace muster
