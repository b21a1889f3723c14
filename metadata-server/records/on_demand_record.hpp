// What the store keeps of a cluster on demand: kind "on-demand", by name. Functions that take a
// store are as thread-safe as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"
#include "store/store.hpp"

namespace muster {

struct OnDemandCluster {
  std::string name, template_name;
  std::string masters_pool, nodes_pool;         // names of the template's pools
  std::uint32_t masters = 1, nodes = 0;         // that were asked for
  std::int64_t created_at = 0, expires_at = 0;  // Unix seconds
  std::int64_t next_at = 0;                     // when it warns or ends: its row in the schedule
  std::string created_by;                       // "operator anna"
  // Ids of the join tokens that came with it and with its growing: what is left of them is revoked
  // when as many machines as were asked for are Ready.
  std::vector<std::string> open_tokens;
};
[[nodiscard]] std::string to_json(const OnDemandCluster& cluster);
[[nodiscard]] Result<OnDemandCluster> parse_on_demand_cluster(std::string_view json);

struct FoundOnDemand {
  OnDemandCluster cluster;
  std::uint64_t version = 0;  // of its record, to expect in a transaction
};
// not_found where the server owns no such cluster.
[[nodiscard]] Result<FoundOnDemand> find_on_demand(const Store& store, const std::string& name);
[[nodiscard]] Result<std::vector<OnDemandCluster>> list_on_demand(const Store& store);
// Nothing of its tokens is left to be revoked. Nothing where it is gone.
[[nodiscard]] Result<void> forget_open_tokens(Store& store, const std::string& name);

}  // namespace muster
