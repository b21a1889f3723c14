// Which package brings the agent to machines whose image has none, in memory: user-data is answered
// without the store. Thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "store/store.hpp"

namespace muster {

class AgentPackage {
 public:
  // As the catalogue has it: at the start, and after each change of it.
  [[nodiscard]] Result<void> load(const Store& store);
  // Digest of the package of the newest `muster-agent`; empty: there is none, images carry the
  // agent.
  [[nodiscard]] std::string digest() const;

 private:
  mutable std::mutex mutex_;
  std::string digest_;
};

}  // namespace muster
