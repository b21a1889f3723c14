#include "records/on_demand_record.hpp"

#include "document/problem.hpp"
#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr auto on_demand_fields = [](auto& fields, auto& cluster) {
  fields.text("name", cluster.name);
  fields.text("template", cluster.template_name);
  fields.text("mastersPool", cluster.masters_pool);
  fields.text("nodesPool", cluster.nodes_pool);
  fields.number("masters", cluster.masters);
  fields.number("nodes", cluster.nodes);
  fields.number("createdAt", cluster.created_at);
  fields.number("expiresAt", cluster.expires_at);
  fields.number("nextAt", cluster.next_at);
  fields.text("createdBy", cluster.created_by);
  fields.texts("openTokens", cluster.open_tokens, Presence::if_set);
};
}  // namespace

std::string to_json(const OnDemandCluster& cluster) {
  return record_text(cluster, on_demand_fields);
}

Result<OnDemandCluster> parse_on_demand_cluster(std::string_view json) {
  return parse_record<OnDemandCluster>("on-demand cluster record", json, on_demand_fields);
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
