// Clusters that the server makes from a template and owns until they expire: kind "on-demand", by
// name. `apply` refuses their names. Creating one costs the same however many there are.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "site/publish.hpp"
#include "store/store.hpp"

namespace muster {

struct OnDemandCluster {
  std::string name, template_name;
  std::string masters_pool, nodes_pool;         // names of the template's pools
  std::uint32_t masters = 1, nodes = 0;         // that were asked for
  std::int64_t created_at = 0, expires_at = 0;  // Unix seconds
  std::string created_by;                       // "operator anna"
};
[[nodiscard]] std::string to_json(const OnDemandCluster& cluster);
[[nodiscard]] Result<OnDemandCluster> parse_on_demand_cluster(std::string_view json);

struct NewCluster {
  std::string name, template_name;
  std::uint32_t masters = 1;                              // 1, 3, 5 or 7
  std::uint32_t nodes = 0;                                // at most the pool's maximum
  std::chrono::seconds lifetime = std::chrono::hours(4);  // 10 minutes to 30 days
  std::string actor;
};
// Its authorities, secrets and first revision, in one transaction. Nobody is served anything before
// its masters are there. Refusals: invalid, every problem at once; not_found: no such template;
// conflict: a cluster has that name.
[[nodiscard]] Published<OnDemandCluster> create_cluster(const PublishContext& context,
                                                        const NewCluster& order);

// not_found where the server owns no such cluster.
[[nodiscard]] Result<OnDemandCluster> find_on_demand(const Store& store, const std::string& name);
[[nodiscard]] Result<std::vector<OnDemandCluster>> list_on_demand(const Store& store);
// How many nodes there are to be: of what is asked for, `more` are new. invalid: more than the
// pool's maximum, or fewer than now (remove machines by name).
struct ScaledCluster {
  OnDemandCluster cluster;
  std::uint32_t more = 0;
};
[[nodiscard]] Result<ScaledCluster> scale_cluster(const PublishContext& context,
                                                  const std::string& name, std::uint32_t nodes,
                                                  const std::string& actor);
// It expires `lifetime` from now. invalid: not within the limits of a new one.
[[nodiscard]] Result<OnDemandCluster> extend_cluster(const PublishContext& context,
                                                     const std::string& name,
                                                     std::chrono::seconds lifetime,
                                                     const std::string& actor);
// Everything of it, in one transaction: documents, machines' identities, authorities, secrets,
// revisions, members with their addresses. `transaction`: what else is to go, such as its tokens.
[[nodiscard]] Result<void> delete_cluster(const PublishContext& context, const std::string& name,
                                          const std::string& actor, Transaction transaction);

}  // namespace muster
