// What enrolment must know of the published inventory: which names and pools exist, their roles,
// which hardware and which addresses belong to them. Immutable, so many threads may read one; a
// publication makes the next one, which shares the clusters that did not change.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "document/machine_hints.hpp"
#include "inventory/match.hpp"
#include "store/store.hpp"

namespace muster {

// What the inventory says of one node that a machine may be told apart by.
struct ListedNode {
  NodeName name;
  std::string address;
  MachineMarks marks;
  Role role = Role::node;
};

class EnrolmentInventory {
 public:
  EnrolmentInventory() = default;
  // Of every cluster that the inventory names.
  explicit EnrolmentInventory(const Inventory& inventory);
  // One cluster as this inventory has it, which may be not at all. Cost: that cluster.
  // `read`: why no more of it could be read; what it lacks may be listed all the same.
  [[nodiscard]] EnrolmentInventory with(const std::string& cluster, const Inventory& inventory,
                                        const Result<void>& read = {}) const;

  // Something of it is published, be it without machines.
  [[nodiscard]] bool has_cluster(const std::string& name) const { return clusters_.contains(name); }
  [[nodiscard]] std::optional<Role> role_of(const NodeName& node) const;
  // Error: its cluster could not be read, so that nobody knows.
  [[nodiscard]] Result<bool> lists(const NodeName& node) const;
  // To be asked before "the inventory does not have it" is believed. "": of every cluster.
  [[nodiscard]] Result<void> check_read(const std::string& cluster) const;
  // nullptr: it is not listed. Valid as long as this object.
  [[nodiscard]] const ListedNode* node(const NodeName& name) const;
  [[nodiscard]] MatchResult match(const MachineHints& hints) const;
  // Nodes of that name in any cluster: an operator may leave the cluster out where it is clear.
  [[nodiscard]] std::vector<NodeName> find(std::string_view node) const;
  // nullptr: there is no such pool. Valid as long as this object.
  [[nodiscard]] const NodePool* pool(const std::string& cluster, const std::string& name) const;
  // Of the cluster's machines; 0: there is no such cluster.
  [[nodiscard]] std::chrono::seconds certificate_lifetime(const std::string& cluster) const;
  // "node 'lab/m1'", "the API endpoint of 'lab'": who has the address by what is written, in any
  // cluster; empty: nobody. Members of pools: records/pool_member.
  [[nodiscard]] std::string holder_of(const std::string& address) const;
  // The node with this address; where there is none, the one with this name; nullptr: neither, or
  // several of that name. Valid as long as this object. Cost: the inventory's nodes.
  [[nodiscard]] const ListedNode* listed(const std::string& address, std::string_view name) const;

 private:
  struct OneCluster {
    MatchIndex index;
    std::map<std::string, NodePool> pools;
    std::unordered_map<std::string, std::string> holders;  // address -> who
    std::vector<ListedNode> nodes;                         // by name
    std::chrono::seconds certificate_lifetime{0};
  };
  [[nodiscard]] static const ListedNode* find(const OneCluster& cluster, std::string_view node);
  std::map<std::string, std::shared_ptr<const OneCluster>> clusters_;
  std::map<std::string, Error> unread_;  // by cluster
};

}  // namespace muster
