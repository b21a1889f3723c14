#include "publish/recognition.hpp"

#include <nlohmann/json.hpp>

#include "inventory/layers.hpp"
#include "inventory/pool_members.hpp"

namespace muster {

namespace {

// What an admission goes by, and no document shows before there is a member.
nlohmann::json to_value(const Inventory& inventory, const NodePool& pool) {
  nlohmann::json proofs = nlohmann::json::array(), ranges = nlohmann::json::array();
  for (const auto& proof : pool.proofs) proofs.push_back(proof.value);
  for (const auto& range : pool.address_ranges) ranges.push_back(range.value);
  const Node any = node_of(pool, {member_name(pool, 1), pool.name.value, pool.role.value, {}});
  const Cluster& cluster = inventory.clusters.at(pool.cluster.value);
  return {{"role", name(pool.role.value)},
          {"namePattern", pool.name_pattern.value},
          {"minimum", pool.minimum.value},
          {"maximum", pool.maximum.value},
          {"vanishedAfter", pool.vanished_after.value.count()},
          {"proofs", proofs},
          {"addressRanges", ranges},
          {"settings", to_json(merge_layers(inventory, cluster, any).settings)}};
}

}  // namespace

std::string recognition_of(const Inventory& inventory, const std::string& cluster) {
  nlohmann::json matches = nlohmann::json::object();
  for (const Node* node : nodes_of(inventory, cluster)) {
    nlohmann::json macs = nlohmann::json::array();
    for (const auto& mac : node->match.macs) macs.push_back(mac.value);
    matches[node->name.value] = {{"macs", macs},
                                 {"uuid", node->match.uuid.value},
                                 {"serial", node->match.serial.value},
                                 {"instanceId", node->match.instance_id.value}};
  }
  for (const NodePool* pool : pools_of(inventory, cluster))
    matches["pool/" + pool->name.value] = to_value(inventory, *pool);
  return matches.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace muster
