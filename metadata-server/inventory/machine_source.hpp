// One machine of a cluster as compile finds it: a node that the inventory lists, or a pool's
// member, which the site knows and its pool describes. Points into both, which must outlive it.
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

class MachineSource {
 public:
  explicit MachineSource(const Node& node) : node_(&node) {}
  MachineSource(const NodePool& pool, const PoolMember& member) : pool_(&pool), member_(&member) {}

  [[nodiscard]] const std::string& name() const {
    return node_ ? node_->name.value : member_->name;
  }
  [[nodiscard]] const std::string& address() const {
    return node_ ? node_->address.value : member_->address;
  }
  [[nodiscard]] Role role() const { return node_ ? node_->role.value : member_->role; }
  [[nodiscard]] const std::string& pool() const { return node_ ? node_->pool : pool_->name.value; }
  [[nodiscard]] const Place& place() const {
    return node_ ? node_->name.place : pool_->name_pattern.place;
  }
  [[nodiscard]] const std::vector<Sourced<std::string>>& profiles() const {
    return node_ ? node_->profiles : pool_->profiles;
  }
  [[nodiscard]] const std::string& overrides_digest() const {
    return node_ ? node_->overrides_digest : pool_->overrides_digest;
  }
  // nullptr: it is given one.
  [[nodiscard]] const Sourced<std::string>* written_network() const {
    return node_ && node_->pod_cidr ? &*node_->pod_cidr : nullptr;
  }
  // nullptr: of a member.
  [[nodiscard]] const std::vector<Sourced<std::string>>* written_macs() const {
    return node_ ? &node_->match.macs : nullptr;
  }
  [[nodiscard]] std::vector<std::string> macs() const;
  [[nodiscard]] Node node() const;  // a copy

 private:
  const Node* node_ = nullptr;
  const NodePool* pool_ = nullptr;
  const PoolMember* member_ = nullptr;
};

// Listed ones and members, in name order; none of them while a cluster that is not started awaits
// masters. Adds a problem for each listed node with a member's name or address. Members of a pool
// that the inventory does not have are left out. Cost: linear.
[[nodiscard]] std::vector<MachineSource> machine_sources(const Inventory& inventory,
                                                         const std::string& cluster,
                                                         const SiteFacts& facts,
                                                         std::vector<InventoryProblem>& problems);

// Which the API server refuses: the banned, and those that left and are not back. Sorted.
[[nodiscard]] std::vector<std::string> refused_machines(const SiteFacts& facts,
                                                        const std::vector<MachineSource>& sources);

}  // namespace muster
