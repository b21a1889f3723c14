#include "enrolment/nonces.hpp"

#include <algorithm>

#include "pki/signature.hpp"

namespace muster {

std::string NoncePool::issue(std::string_view source, Clock::time_point now) {
  std::string nonce = base64_encode(random_bytes(32));
  const std::lock_guard lock(mutex_);
  if (now >= next_sweep_ || known_.size() >= capacity_) drop_expired(now);
  if (known_.size() >= capacity_) evict_one();
  Queue& queue = queues_[std::string(source)];
  queue.push_back({nonce, now + lifetime_});
  known_[nonce] = {std::string(source), std::prev(queue.end())};
  return nonce;
}

bool NoncePool::take(std::string_view nonce, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(std::string(nonce));
  if (known == known_.end()) return false;
  const bool fresh = known->second.entry->expires > now;
  remove(known);
  return fresh;
}

std::size_t NoncePool::size() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

void NoncePool::remove(std::unordered_map<std::string, Location>::iterator known) {
  const auto queue = queues_.find(known->second.source);
  queue->second.erase(known->second.entry);
  if (queue->second.empty()) queues_.erase(queue);
  known_.erase(known);
}

void NoncePool::evict_one() {
  const auto largest = std::max_element(
      queues_.begin(), queues_.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (largest != queues_.end()) remove(known_.find(largest->second.front().nonce));
}

void NoncePool::drop_expired(Clock::time_point now) {
  // Each queue is in the order of issue, so its expired entries are at its front.
  for (auto known = known_.begin(); known != known_.end();) {
    const auto current = known++;
    if (current->second.entry->expires <= now) remove(current);
  }
  next_sweep_ = now + std::chrono::seconds(1);
}

}  // namespace muster
