#include "enrolment/enrolment_inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "document/field_syntax.hpp"
#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

EnrolmentInventory::EnrolmentInventory(const Inventory& inventory) {
  for (const auto& [name, cluster] : inventory.clusters) *this = with(name, inventory);
}

EnrolmentInventory EnrolmentInventory::with(const std::string& cluster, const Inventory& inventory,
                                            const Result<void>& read) const {
  EnrolmentInventory made = *this;
  made.unread_.erase(cluster);
  if (!read) made.unread_.emplace(cluster, read.error());
  const auto found = inventory.clusters.find(cluster);
  if (found == inventory.clusters.end()) {
    made.clusters_.erase(cluster);
    return made;
  }
  auto one = std::make_shared<OneCluster>();
  const auto nodes = nodes_of(inventory, cluster);
  for (const Node* node : nodes) {
    one->nodes.push_back(
        {{cluster, node->name.value}, node->address.value, marks_of(*node), node->role.value});
    if (!node->address.value.empty())
      one->holders[node->address.value] = fmt::format("node '{}/{}'", cluster, node->name.value);
  }
  one->index = MatchIndex(nodes);
  for (const NodePool* pool : pools_of(inventory, cluster)) one->pools[pool->name.value] = *pool;
  const Cluster& written = found->second;
  one->certificate_lifetime = written.certificate_lifetime;
  if (written.api_mode.value == EndpointMode::external && is_ipv4(written.api_host.value))
    one->holders[written.api_host.value] = fmt::format("the API endpoint of '{}'", cluster);
  made.clusters_[cluster] = std::move(one);
  return made;
}

const ListedNode* EnrolmentInventory::find(const OneCluster& cluster, std::string_view node) {
  const auto at = std::lower_bound(
      cluster.nodes.begin(), cluster.nodes.end(), node,
      [](const ListedNode& listed, std::string_view name) { return listed.name.node < name; });
  return at == cluster.nodes.end() || at->name.node != node ? nullptr : &*at;
}

const ListedNode* EnrolmentInventory::node(const NodeName& name) const {
  const auto cluster = clusters_.find(name.cluster);
  return cluster == clusters_.end() ? nullptr : find(*cluster->second, name.node);
}

std::optional<Role> EnrolmentInventory::role_of(const NodeName& name) const {
  const ListedNode* listed = node(name);
  return listed == nullptr ? std::nullopt : std::optional(listed->role);
}

Result<bool> EnrolmentInventory::lists(const NodeName& name) const {
  if (node(name) != nullptr) return true;
  if (auto read = check_read(name.cluster); !read) return pass(read.error());
  return false;
}

Result<void> EnrolmentInventory::check_read(const std::string& cluster) const {
  const auto found = cluster.empty() ? unread_.begin() : unread_.find(cluster);
  if (found == unread_.end()) return {};
  return pass(found->second);
}

MatchResult EnrolmentInventory::match(const MachineHints& hints) const {
  MatchResult result;
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->nodes.empty()) continue;
    MatchResult one = cluster->index.match({hints.macs, hints.uuid, hints.serial, {}});
    if (one.kind == MatchResult::Kind::unknown) continue;
    result.reasons.insert(result.reasons.end(), one.reasons.begin(), one.reasons.end());
    const bool is_first = result.kind == MatchResult::Kind::unknown;
    result.kind = is_first ? one.kind : MatchResult::Kind::ambiguous;
    result.node = std::move(one.node);
  }
  if (result.kind == MatchResult::Kind::ambiguous) result.node = {};
  return result;
}

std::vector<NodeName> EnrolmentInventory::find(std::string_view node) const {
  std::vector<NodeName> found;
  for (const auto& [name, cluster] : clusters_) {
    if (find(*cluster, node) != nullptr) found.push_back({name, std::string(node)});
  }
  return found;
}

const NodePool* EnrolmentInventory::pool(const std::string& cluster,
                                         const std::string& name) const {
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return nullptr;
  const auto pool = found->second->pools.find(name);
  return pool == found->second->pools.end() ? nullptr : &pool->second;
}

std::chrono::seconds EnrolmentInventory::certificate_lifetime(const std::string& cluster) const {
  const auto found = clusters_.find(cluster);
  return found == clusters_.end() ? std::chrono::seconds(0) : found->second->certificate_lifetime;
}

std::string EnrolmentInventory::holder_of(const std::string& address) const {
  for (const auto& [name, cluster] : clusters_) {
    const auto found = cluster->holders.find(address);
    if (found != cluster->holders.end()) return found->second;
  }
  return {};
}

const ListedNode* EnrolmentInventory::listed(const std::string& address,
                                             std::string_view name) const {
  const ListedNode* named = nullptr;
  bool is_clear = true;
  for (const auto& [cluster_name, cluster] : clusters_) {
    for (const auto& node : cluster->nodes) {
      if (!address.empty() && node.address == address) return &node;
      if (node.name.node != name) continue;
      is_clear = named == nullptr;
      named = &node;
    }
  }
  return is_clear ? named : nullptr;
}

}  // namespace muster
