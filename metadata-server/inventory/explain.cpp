#include "inventory/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "document/problem.hpp"
#include "inventory/layers.hpp"
#include "inventory/pool_members.hpp"
#include "inventory/suggest.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

class Explainer {
 public:
  Explainer(const Inventory& inventory, const Cluster& cluster, const Node& node)
      : inventory_(inventory), cluster_(cluster), node_(node) {}

  Explanation explain() {
    out_.cluster = cluster_.name.value;
    out_.node = node_.name.value;
    add_cluster();
    add_node();
    const Layers layers = merge_layers(inventory_, cluster_, node_);
    add_settings("", layers.settings, layers);
    return std::move(out_);
  }

 private:
  void add(std::string field, std::string value, const std::string& layer, const Place& place) {
    const bool is_default = place.file == nullptr;
    out_.fields.push_back({std::move(field), std::move(value), is_default ? "default" : layer,
                           is_default ? Place{} : place});
  }
  void add(std::string field, const Sourced<std::string>& text, const std::string& layer) {
    if (!text.value.empty()) add(std::move(field), text.value, layer, text.place);
  }

  void add_cluster() {
    const std::string layer = "cluster " + cluster_.name.value;
    add("kubernetesVersion", cluster_.kubernetes_version, layer);
    add("api.mode", cluster_.api_mode.value == EndpointMode::external ? "external" : "node-local",
        layer, cluster_.api_mode.place);
    add("api.host", cluster_.api_host, layer);
    add("api.port", std::to_string(cluster_.api_port.value), layer, cluster_.api_port.place);
    add("cluster.podCidr", cluster_.pod_cidr, layer);
    add("cluster.serviceCidr", cluster_.service_cidr, layer);
    add("cluster.dnsDomain", cluster_.dns_domain, layer);
    add("cluster.podNetwork",
        cluster_.pod_network.value == PodNetwork::none ? "none"
                                                       : "routed (enforces no NetworkPolicy)",
        layer, cluster_.pod_network.place);
    for (const auto& [name, version] : cluster_.releases)
      add(fmt::format("releases[{}]", name), version, layer);
    for (const auto& [component, flags] : cluster_.component_arguments) {
      for (const auto& [flag, value] : flags)
        add(fmt::format("componentArguments[{}][{}]", component, flag), value, layer);
    }
  }

  void add_node() {
    const std::string layer =
        node_.pool.empty() ? "node " + node_.name.value : "pool " + node_.pool;
    add("role", std::string(name(node_.role.value)), layer, node_.role.place);
    add("address", node_.address, layer);
    if (node_.pod_cidr) add("podCidr", *node_.pod_cidr, layer);
    for (std::size_t index = 0; index < node_.match.macs.size(); ++index)
      add(fmt::format("match.mac[{}]", index), node_.match.macs[index], layer);
    add("match.uuid", node_.match.uuid, layer);
    add("match.serial", node_.match.serial, layer);
    add("match.instanceId", node_.match.instance_id, layer);
  }

  void add_settings(const std::string& path, const Value& value, const Layers& layers) {
    const std::string& layer = layers.names[value.layer];
    switch (value.kind) {
      case Value::Kind::null:
        return;
      case Value::Kind::scalar:
        return add(path, value.scalar, layer, value.place);
      case Value::Kind::list:
        for (std::size_t index = 0; index < value.items.size(); ++index)
          add_settings(fmt::format("{}[{}]", path, index), value.items[index], layers);
        if (value.items.empty()) add(path, "[]", layer, value.place);
        return;
      case Value::Kind::map:
        if (const Value* secret = value.find("secretRef"))
          return add(path, "secret " + secret->scalar, layer, secret->place);
        for (const auto& [key, field] : value.fields) add_settings(below(path, key), field, layers);
        return;
    }
  }

  // Keys that are names of the operator's (labels, registries, sysctls) hold dots of their own.
  static std::string below(const std::string& path, const std::string& key) {
    if (path.empty()) return key;
    for (const char* map :
         {"labels", "sysctl", "evictionHard", "registryMirrors", "registryCredentials"}) {
      if (path.ends_with(fmt::format(".{}", map))) return fmt::format("{}[{}]", path, key);
    }
    return path + "." + key;
  }

  const Inventory& inventory_;
  const Cluster& cluster_;
  const Node& node_;
  Explanation out_;
};

// Machines that the pools would give this name.
std::vector<Node> possible_members(const Inventory& inventory, const std::string& cluster,
                                   const std::string& name) {
  std::vector<Node> members;
  for (const NodePool& pool : inventory.pools) {
    if (!cluster.empty() && pool.cluster.value != cluster) continue;
    if (member_index(pool, name))
      members.push_back(node_of(pool, {name, pool.name.value, pool.role.value, {}}));
  }
  return members;
}

std::string nearest_node(const Inventory& inventory, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Node& node : inventory.nodes) names.push_back(node.name.value);
  const std::string hint = did_you_mean(name, names);
  return hint.empty() ? hint : "; " + hint;
}

}  // namespace

Result<Explanation> explain(const Inventory& inventory, const std::string& cluster,
                            const std::string& node) {
  std::vector<const Node*> found;
  for (const Node& candidate : inventory.nodes) {
    const bool same =
        candidate.name.value == node && (cluster.empty() || candidate.cluster.value == cluster);
    if (same) found.push_back(&candidate);
  }
  const std::vector<Node> members = possible_members(inventory, cluster, node);
  for (const Node& member : members) found.push_back(&member);
  if (found.empty())
    return fail(
        ErrorKind::not_found,
        fmt::format("node {}: expected a node of the inventory{}, found none{}", in_ticks(node),
                    cluster.empty() ? "" : "'s cluster " + in_ticks(cluster),
                    nearest_node(inventory, node)));
  if (found.size() > 1)
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "node {}: expected it in one cluster, found it in '{}' and '{}'; say which with --cluster",
            in_ticks(node), found[0]->cluster.value, found[1]->cluster.value));
  const Cluster& owner = inventory.clusters.at(found.front()->cluster.value);
  return Explainer(inventory, owner, *found.front()).explain();
}

std::string to_table(const Explanation& explanation) {
  std::vector<std::array<std::string, 4>> rows{{"FIELD", "VALUE", "LAYER", "PLACE"}};
  for (const ExplainedField& field : explanation.fields)
    rows.push_back(
        {escaped(field.field), escaped(field.value), field.layer, escaped(to_text(field.place))});
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], row[column].size());
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column)
      line += fmt::format("{:<{}}  ", row[column], widths[column]);
    table += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return table;
}

std::string to_json(const Explanation& explanation) {
  nlohmann::json fields = nlohmann::json::array();
  for (const ExplainedField& field : explanation.fields)
    fields.push_back({{"field", field.field},
                      {"value", field.value},
                      {"layer", field.layer},
                      {"file", field.place.file == nullptr ? "" : *field.place.file},
                      {"line", field.place.line},
                      {"column", field.place.column}});
  return nlohmann::json{
      {"cluster", explanation.cluster}, {"node", explanation.node}, {"fields", fields}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace muster
