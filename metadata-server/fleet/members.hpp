// The machines of pools that are there, in memory: who is missed when it is silent. Fed by the
// store's feed (kind "member"). Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "inventory/match.hpp"
#include "publish/quarantine.hpp"
#include "records/pool_member.hpp"
#include "store/views.hpp"

namespace muster {

class Members final : public View {
 public:
  // A cluster of which a record cannot be read gets into `quarantine`, until each can be.
  explicit Members(Quarantine& quarantine) : quarantine_(quarantine) {}
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // Nothing: no member of a pool, or removed.
  [[nodiscard]] std::optional<MemberRecord> find(const NodeName& node) const;
  // Of every cluster.
  [[nodiscard]] std::vector<MemberRecord> all() const;

 private:
  void note(const std::string& cluster) const;

  Quarantine& quarantine_;
  mutable std::mutex mutex_;
  std::map<std::string, MemberRecord> members_;  // by "cluster/node"
  std::map<std::string, std::string> unread_;    // likewise: why it cannot be read
};

}  // namespace muster
