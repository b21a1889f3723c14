// Numbers for one proof each, which make it fresh. A nonce holds its own end and a code over it, so
// that none is kept until it is used: no flood of requests pushes anybody's out. A restart of the
// server voids them all, and the agents ask again. Thread-safe.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace muster {

class Nonces {
 public:
  using Clock = std::chrono::steady_clock;  // a step of the wall clock must not revive or void one
  static constexpr std::chrono::seconds lifetime{60};

  // `capacity`: of used ones that are remembered until they end. The oldest go first; each of them
  // cost somebody a signature, and who would use it again has to have read it inside of TLS.
  explicit Nonces(std::size_t capacity = 65536);

  // 56 bytes, base64.
  [[nodiscard]] std::string issue(Clock::time_point now = Clock::now()) const;
  // Of this server, not expired, not taken.
  [[nodiscard]] bool is_good(std::string_view nonce, Clock::time_point now = Clock::now()) const;
  // True once for each that is good.
  [[nodiscard]] bool take(std::string_view nonce, Clock::time_point now = Clock::now());
  [[nodiscard]] std::size_t taken() const;

 private:
  struct Used {
    std::string nonce;
    Clock::time_point end;
  };
  [[nodiscard]] std::string code_of(std::string_view text) const;
  // Until when it is good; in the past where it is not ours.
  [[nodiscard]] Clock::time_point end_of(std::string_view nonce) const;

  const std::size_t capacity_;
  const std::string key_;
  mutable std::mutex mutex_;
  std::deque<Used> in_order_;  // as they were taken
  std::unordered_set<std::string> used_;
};

}  // namespace muster
