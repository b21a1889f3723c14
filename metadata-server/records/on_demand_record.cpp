#include "records/on_demand_record.hpp"

#include "document/json_object.hpp"
#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

std::string to_json(const OnDemandCluster& cluster) {
  nlohmann::json value = {{"name", cluster.name},
                          {"template", cluster.template_name},
                          {"mastersPool", cluster.masters_pool},
                          {"nodesPool", cluster.nodes_pool},
                          {"masters", cluster.masters},
                          {"nodes", cluster.nodes},
                          {"createdAt", cluster.created_at},
                          {"expiresAt", cluster.expires_at},
                          {"nextAt", cluster.next_at},
                          {"createdBy", cluster.created_by}};
  if (!cluster.open_tokens.empty()) value["openTokens"] = cluster.open_tokens;
  return canonical_text(value);
}

Result<OnDemandCluster> parse_on_demand_cluster(std::string_view json) {
  const auto value = parse_strict_json("on-demand cluster record", json);
  if (!value) return pass(value.error());
  OnDemandCluster cluster;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("name", cluster.name);
  root.text("template", cluster.template_name);
  root.text("mastersPool", cluster.masters_pool);
  root.text("nodesPool", cluster.nodes_pool);
  root.number("masters", cluster.masters);
  root.number("nodes", cluster.nodes);
  root.number("createdAt", cluster.created_at);
  root.number("expiresAt", cluster.expires_at);
  root.number("nextAt", cluster.next_at);
  root.text("createdBy", cluster.created_by);
  root.texts("openTokens", cluster.open_tokens, Need::optional);
  root.close();
  if (!problems.empty()) return fail("on-demand cluster record", problems);
  return cluster;
}

Result<FoundOnDemand> find_on_demand(const Store& store, const std::string& name) {
  const auto record = store.get(kinds::on_demand, name);
  if (!record && record.error().kind == ErrorKind::not_found) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "cluster {}: not one that was made on demand; `muster cluster list` shows those there are",
            in_ticks(name)));
  }
  if (!record) return pass(record.error());
  auto parsed = parse_on_demand_cluster(record->value);
  if (!parsed) return while_doing(parsed.error(), fmt::format("on-demand cluster '{}'", name));
  return FoundOnDemand{std::move(*parsed), record->version};
}

Result<std::vector<OnDemandCluster>> list_on_demand(const Store& store) {
  const auto records = all_records(store, kinds::on_demand);
  if (!records) return pass(records.error());
  std::vector<OnDemandCluster> clusters;
  for (const auto& record : *records) {
    auto parsed = parse_on_demand_cluster(record.value);
    if (!parsed) continue;  // in quarantine, which says so
    clusters.push_back(std::move(*parsed));
  }
  return clusters;
}

Result<void> forget_open_tokens(Store& store, const std::string& name) {
  return update(
      store, kinds::on_demand, name,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (!value) return {};
        auto cluster = parse_on_demand_cluster(*value);
        if (!cluster) return pass(cluster.error());
        cluster->open_tokens.clear();
        transaction.put(kinds::on_demand, name, to_json(*cluster));
        return {};
      });
}

}  // namespace muster
