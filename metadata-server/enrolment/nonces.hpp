// Single-use numbers that make a proof fresh. In memory: a restart of the server voids them, and
// the agents ask again. Thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace muster {

class NoncePool {
 public:
  using Clock = std::chrono::steady_clock;  // a step of the wall clock must not revive or void one
  explicit NoncePool(std::size_t capacity = 4096,
                     std::chrono::seconds lifetime = std::chrono::seconds(60))
      : capacity_(capacity), lifetime_(lifetime) {}

  // 32 random bytes, base64. When the pool is full, the oldest nonce of the source that holds most
  // goes: a flood from one address cannot push out another's.
  [[nodiscard]] std::string issue(std::string_view source, Clock::time_point now = Clock::now());
  // True once per nonce, within its lifetime.
  [[nodiscard]] bool take(std::string_view nonce, Clock::time_point now = Clock::now());
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string nonce;
    Clock::time_point expires;
  };
  using Queue = std::list<Entry>;  // oldest first
  struct Location {
    std::string source;
    Queue::iterator entry;
  };
  void remove(std::unordered_map<std::string, Location>::iterator known);
  void evict_one();
  void drop_expired(Clock::time_point now);

  std::size_t capacity_;
  std::chrono::seconds lifetime_;
  mutable std::mutex mutex_;
  std::map<std::string, Queue, std::less<>> queues_;
  std::unordered_map<std::string, Location> known_;
  Clock::time_point next_sweep_{};
};

}  // namespace muster
