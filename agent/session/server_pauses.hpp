// Servers that said when they would be asked again (Retry-After): before, nobody on this machine
// asks them, and whoever would is told what they answered. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "result/result.hpp"

namespace muster {

class ServerPauses {
 public:
  void begin(const std::string& server, std::chrono::seconds pause, const Error& answered);
  // What it answered; nothing: it may be asked.
  [[nodiscard]] std::optional<Error> in_effect(const std::string& server);

 private:
  using Clock = std::chrono::steady_clock;
  struct Row {
    Clock::time_point until;
    Error answered;
  };
  std::mutex mutex_;
  std::map<std::string, Row> rows_;
};

}  // namespace muster
