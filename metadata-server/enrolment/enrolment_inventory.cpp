#include "enrolment/enrolment_inventory.hpp"

namespace muster {

EnrolmentInventory::EnrolmentInventory(const std::vector<Node>& nodes) : index_(nodes) {
  for (const auto& node : nodes) {
    roles_[{node.cluster.value, node.name.value}] = node.role.value;
  }
}

std::optional<Role> EnrolmentInventory::role_of(const NodeName& node) const {
  const auto found = roles_.find({node.cluster, node.node});
  if (found == roles_.end()) return std::nullopt;
  return found->second;
}

MatchResult EnrolmentInventory::match(const MachineHints& hints) const {
  return index_.match({hints.macs, hints.uuid, hints.serial, {}});
}

std::vector<NodeName> EnrolmentInventory::find(std::string_view node) const {
  std::vector<NodeName> found;
  for (const auto& [name, role] : roles_) {
    if (name.second == node) found.push_back({name.first, name.second});
  }
  return found;
}

}  // namespace muster
