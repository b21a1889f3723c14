// Which package brings the agent to machines whose image has none, in memory: user-data is answered
// without the store. Fed by the records of releases. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "document/release.hpp"
#include "store/views.hpp"

namespace muster {

class AgentPackage final : public View {
 public:
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // Digest of the package of the newest `muster-agent`; empty: there is none, images carry the
  // agent.
  [[nodiscard]] std::string digest() const;

 private:
  void choose_newest();

  mutable std::mutex mutex_;
  std::map<std::string, Release> releases_;  // of the agent, by their record's key
  std::string digest_;
};

}  // namespace muster
