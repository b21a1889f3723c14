// What one event front counts of its connections, for /metrics. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace muster {

struct ListenerCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> source_full{0};    // closed at once: too many of one source
  std::atomic<std::uint64_t> identity_full{0};  // 503: too many of one certificate's name
  std::atomic<std::uint64_t> full{0};           // closed at once: too many in all
  std::atomic<std::uint64_t> gave_way{0};       // closed for another's, of a network that held more
  std::atomic<std::uint64_t> handshake_failed{0};
  std::atomic<std::uint64_t> deadline_passed{0};
  std::atomic<std::uint64_t> overloaded{0};  // 503: the queue to the workers was full
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::int64_t> open{0};
  std::atomic<std::int64_t> body_bytes{0};  // announced by requests that are not answered yet
};

}  // namespace muster
