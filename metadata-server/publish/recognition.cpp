#include "publish/recognition.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"
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

// Put together by hand: it is as long as the inventory, and made for every publication.
std::string recognition_of(const Inventory& inventory, const std::string& cluster) {
  std::vector<std::pair<std::string, std::string>> rows;  // name, JSON
  for (const Node* node : nodes_of(inventory, cluster)) {
    std::string macs;
    for (const auto& mac : node->match.macs)
      macs += (macs.empty() ? "" : ",") + json_string(mac.value);
    rows.emplace_back(
        node->name.value,
        fmt::format(R"({{"instanceId":{},"macs":[{}],"serial":{},"uuid":{}}})",
                    json_string(node->match.instance_id.value), macs,
                    json_string(node->match.serial.value), json_string(node->match.uuid.value)));
  }
  for (const NodePool* pool : pools_of(inventory, cluster))
    rows.emplace_back("pool/" + pool->name.value, canonical_text(to_value(inventory, *pool)));
  std::sort(rows.begin(), rows.end());
  std::string text = "{";
  for (const auto& [name, row] : rows) {
    if (text.size() > 1) text += ',';
    text += json_string(name) + ':' + row;
  }
  return text += '}';
}

}  // namespace muster
