// What enrolment must know of the published inventory: which names exist, their roles, and which
// hardware each of them is. Made anew at each publication; immutable, so many threads may read one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/machine_hints.hpp"
#include "inventory/match.hpp"

namespace muster {

class EnrolmentInventory {
 public:
  EnrolmentInventory() = default;
  // The nodes of every published cluster.
  explicit EnrolmentInventory(const std::vector<Node>& nodes);
  [[nodiscard]] std::optional<Role> role_of(const NodeName& node) const;
  [[nodiscard]] MatchResult match(const MachineHints& hints) const;
  // Nodes of that name in any cluster: an operator may leave the cluster out where it is clear.
  [[nodiscard]] std::vector<NodeName> find(std::string_view node) const;

 private:
  MatchIndex index_;
  std::map<std::pair<std::string, std::string>, Role> roles_;
};

}  // namespace muster
