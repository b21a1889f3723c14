#include "inventory/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "document/problem.hpp"
#include "inventory/check_networks.hpp"
#include "inventory/check_pools.hpp"
#include "inventory/read_objects.hpp"
#include "inventory/suggest.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

template <class Objects>
std::string nearest(const std::string& name, const Objects& objects) {
  std::vector<std::string_view> known;
  for (const auto& [known_name, object] : objects) known.push_back(known_name);
  return did_you_mean(name, known);
}

class InventoryChecker {
 public:
  InventoryChecker(Inventory& inventory, bool complete, std::vector<InventoryProblem>& problems)
      : inventory_(inventory), complete_(complete), problems_(problems) {}

  void check() {
    for (const auto& [name, cluster] : inventory_.clusters) {
      check_profiles(cluster.profiles);
      check_cluster_networks(cluster, problems_);
    }
    for (const Node& node : inventory_.nodes) {
      check_profiles(node.profiles);
      check_cluster_of(node);
      check_marks(node);
      check_secrets(node.overrides, "spec.overrides");
      by_cluster_[node.cluster.value].push_back(&node);
    }
    for (const NodePool& pool : inventory_.pools) {
      check_profiles(pool.profiles);
      check_cluster_of(pool);
      check_secrets(pool.overrides, "spec.overrides");
    }
    for (const auto& [name, profile] : inventory_.profiles) check_secrets(profile.settings, "spec");
    for (const auto& [name, cluster] : inventory_.clusters) {
      const std::vector<const Node*>& nodes = by_cluster_[name];
      const std::vector<const NodePool*> pools = pools_of(inventory_, name);
      check_roles(cluster, nodes, pools);
      check_pools(cluster, pools, nodes, problems_);
      check_node_networks(cluster, nodes, problems_);
    }
    if (complete_) warn_unused_profiles();
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  void check_profiles(const std::vector<Sourced<std::string>>& profiles) {
    for (std::size_t index = 0; index < profiles.size(); ++index) {
      const Sourced<std::string>& name = profiles[index];
      ++profile_uses_[name.value];
      if (complete_ && !inventory_.profiles.contains(name.value))
        report(name.place, fmt::format("spec.profiles[{}]", index), "the name of a Profile",
               in_ticks(name.value), nearest(name.value, inventory_.profiles));
    }
  }

  template <class Object>
  void check_cluster_of(const Object& object) {
    const Sourced<std::string>& cluster = object.cluster;
    if (complete_ && is_set(cluster) && !inventory_.clusters.contains(cluster.value))
      report(cluster.place, "spec.cluster", "the name of a Cluster", in_ticks(cluster.value),
             nearest(cluster.value, inventory_.clusters));
  }

  void check_marks(const Node& node) {
    for (std::size_t index = 0; index < node.match.macs.size(); ++index)
      take(fmt::format("spec.match.mac[{}]", index), "mac", node.match.macs[index], node);
    take("spec.match.uuid", "uuid", node.match.uuid, node);
    take("spec.match.serial", "serial", node.match.serial, node);
    take("spec.match.instanceId", "instance", node.match.instance_id, node);
    take("spec.address", "address", node.address, node);
    if (!node.bmc) return;
    take("spec.bmc.mac", "mac", node.bmc->mac, node);
    take("spec.bmc.address", "address", node.bmc->address, node);
  }

  // Each mark and address belongs to one machine of the whole inventory.
  void take(const std::string& field, const char* kind, const Sourced<std::string>& mark,
            const Node& node) {
    if (!is_set(mark)) return;
    const auto [owner, added] = marks_.try_emplace(fmt::format("{} {}", kind, mark.value), &node);
    if (added) return;
    const Node& other = *owner->second;
    report(mark.place, field, "a value of one machine only", in_ticks(mark.value),
           &other == &node ? "it stands here twice"
                           : fmt::format("node '{}' at {} has it", other.name.value,
                                         to_text(other.name.place)));
  }

  // Values that are known to be secrets and would be written into a document.
  void check_secrets(const Value& settings, const std::string& path) {
    if (const Value* files = settings.find("files")) {
      for (std::size_t index = 0; index < files->items.size(); ++index) {
        const Value* content = files->items[index].find("content");
        if (content != nullptr && content->scalar.find("PRIVATE KEY-----") != std::string::npos)
          report(content->place, fmt::format("{}.files[{}].content", path, index),
                 "{secretRef: NAME}", "a private key in clear",
                 "set it with 'muster secret set NAME --cluster CLUSTER'");
      }
    }
    // kubelet sends it as HTTP headers, which is where credentials go.
    if (const Value* header = settings.find_path("kubelet.extraConfiguration.staticPodURLHeader"))
      report(header->place, path + ".kubelet.extraConfiguration.staticPodURLHeader",
             "no credentials in a document", "a value in clear");
  }

  void refuse_second_master(const Cluster& cluster, const Place& place, const std::string& hint) {
    report(place, "spec.role", fmt::format("one master in cluster '{}'", cluster.name.value),
           "a second one", hint);
  }

  void check_roles(const Cluster& cluster, const std::vector<const Node*>& nodes,
                   const std::vector<const NodePool*>& pools) {
    constexpr std::size_t most_masters = 7;  // etcd: more members only make every write slower
    std::size_t control_plane = 0;
    const Node* master = nullptr;
    bool sure = complete_;
    for (const Node* node : nodes) {
      if (!is_set(node->role)) sure = false;
      if (!is_set(node->role) || !is_control_plane(node->role.value)) continue;
      if (++control_plane == most_masters + 1)
        report(node->role.place, "spec.role", "at most 7 control-plane machines in a cluster",
               "the eighth");
      if (node->role.value != Role::master) continue;
      if (master != nullptr)
        refuse_second_master(cluster, node->role.place,
                             fmt::format("node '{}' at {} is the master; make this one a follower",
                                         master->name.value, to_text(master->name.place)));
      else
        master = node;
    }
    const NodePool* masters = nullptr;
    for (const NodePool* pool : pools) {
      if (!is_set(pool->role)) sure = false;
      if (!is_set(pool->role) || pool->role.value != Role::master) continue;
      if (master != nullptr || masters != nullptr)
        refuse_second_master(cluster, pool->role.place,
                             "one node or one pool of a cluster has the role master");
      masters = pool;
    }
    if (!sure || masters != nullptr) return;
    if (master == nullptr)
      report(cluster.name.place, "metadata.name",
             fmt::format("one node or pool of role master in cluster '{}'", cluster.name.value),
             "none");
    else if (control_plane % 2 == 0)
      inventory_.warnings.push_back(
          problem_at(cluster.name.place, "metadata.name", "an odd number of control-plane machines",
                     std::to_string(control_plane),
                     fmt::format("etcd of {} members survives no more failures than of {}",
                                 control_plane, control_plane - 1)));
  }

  void warn_unused_profiles() {
    for (const auto& [name, profile] : inventory_.profiles) {
      if (!profile_uses_.contains(name))
        inventory_.warnings.push_back(problem_at(profile.name.place, "metadata.name",
                                                 "a cluster, node or pool with this profile",
                                                 "none"));
    }
  }

  Inventory& inventory_;
  const bool complete_;
  std::vector<InventoryProblem>& problems_;
  std::unordered_map<std::string, const Node*> marks_;
  std::unordered_map<std::string, std::vector<const Node*>> by_cluster_;
  std::unordered_map<std::string, int> profile_uses_;
};

}  // namespace

void check_inventory(Inventory& inventory, bool complete, std::vector<InventoryProblem>& problems) {
  InventoryChecker(inventory, complete, problems).check();
}

}  // namespace muster
