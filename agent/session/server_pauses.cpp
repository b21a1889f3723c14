#include "agent/session/server_pauses.hpp"

namespace muster {

void ServerPauses::begin(const std::string& server, std::chrono::seconds pause,
                         const Error& answered) {
  const std::lock_guard lock(mutex_);
  rows_[server] = {Clock::now() + pause, answered};
}

std::optional<Error> ServerPauses::in_effect(const std::string& server) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(server);
  if (found == rows_.end()) return std::nullopt;
  if (Clock::now() < found->second.until) return found->second.answered;
  rows_.erase(found);
  return std::nullopt;
}

}  // namespace muster
