// When what failed is tried again: without end, after a pause that doubles from half a minute to
// half an hour. Not thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "agent/run/failure.hpp"

namespace muster {

class Backoff {
 public:
  using Time = std::chrono::nanoseconds;  // CLOCK_BOOTTIME

  static constexpr std::chrono::seconds first_pause{30};
  static constexpr std::chrono::seconds longest_pause{1800};

  // Zero: it may be tried.
  [[nodiscard]] std::chrono::seconds left(const std::string& subject, Time now) const;
  // How it failed last; nullptr: it did not.
  [[nodiscard]] const Failure* failure(const std::string& subject) const;
  // It was tried again after a pause, and failed as before.
  [[nodiscard]] bool has_failed_again(const std::string& subject) const;
  void failed(const std::string& subject, Failure failure, Time now);
  // What is known of the failure by now is what `failure` tells until the next try.
  void explained(const Failure& failure);
  void succeeded(const std::string& subject) { rows_.erase(subject); }
  // Of no others is anything wanted any more: what comes anew starts with the first pause.
  void keep_only(const std::set<std::string>& subjects);
  // An order, or another document: everything may be tried at once.
  void clear() { rows_.clear(); }

 private:
  struct Row {
    Failure failure;
    std::chrono::seconds pause{0};
    Time next{0};
  };
  std::map<std::string, Row> rows_;
};

}  // namespace muster
