// Clusters that the server makes from a template and owns until they expire: kind "on-demand", by
// name. `apply` refuses their names. Creating one costs the same however many there are.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "site/agenda.hpp"
#include "site/publish.hpp"
#include "store/store.hpp"

namespace muster {

struct OnDemandCluster {
  std::string name, template_name;
  std::string masters_pool, nodes_pool;         // names of the template's pools
  std::uint32_t masters = 1, nodes = 0;         // that were asked for
  std::int64_t created_at = 0, expires_at = 0;  // Unix seconds
  std::int64_t next_at = 0;                     // when it warns or ends: its row in the agenda
  std::string created_by;                       // "operator anna"
  // Ids of the join tokens that came with it and with its growing: what is left of them is revoked
  // when as many machines as were asked for are Ready.
  std::vector<std::string> open_tokens;
};
// How long before its end a cluster warns.
inline constexpr std::array<std::chrono::seconds, 2> expiry_warnings{std::chrono::minutes(30),
                                                                     std::chrono::minutes(5)};
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
// its masters are there. `transaction`: what is to be written with it. Refusals: invalid, every
// problem at once; not_found: no such template; conflict: a cluster has that name.
[[nodiscard]] Published<OnDemandCluster> create_cluster(const PublishContext& context,
                                                        const NewCluster& order,
                                                        Transaction transaction = {});

// not_found where the server owns no such cluster.
[[nodiscard]] Result<OnDemandCluster> find_on_demand(const Store& store, const std::string& name);
[[nodiscard]] Result<std::vector<OnDemandCluster>> list_on_demand(const Store& store);
// How many nodes there are to be: of what is asked for, `more` are new, and the members `surplus`,
// the newest, are to go. invalid: more than the pool's maximum.
struct ScaledCluster {
  OnDemandCluster cluster;
  std::uint32_t more = 0;
  std::vector<std::string> surplus;
};
[[nodiscard]] Result<ScaledCluster> scale_cluster(const PublishContext& context,
                                                  const std::string& name, std::uint32_t nodes,
                                                  const std::string& actor,
                                                  Transaction transaction = {});
// Adds to its open tokens, or, with nothing to add, forgets them. Nothing where it is gone.
[[nodiscard]] Result<void> note_open_tokens(Store& store, const std::string& name,
                                            const std::vector<std::string>& ids);
// It expires `lifetime` from now, 1 minute to 30 days; it warns of that end anew.
[[nodiscard]] Result<OnDemandCluster> extend_cluster(const PublishContext& context,
                                                     const std::string& name,
                                                     std::chrono::seconds lifetime,
                                                     const std::string& actor);
// What the agenda's row is about: a cluster that warns of its end, which is written down, or one
// whose end has come, which is left to the caller. Nothing for a row that was overtaken, which
// goes.
struct DueCluster {
  OnDemandCluster cluster;
  bool has_ended = false;
};
[[nodiscard]] Result<std::optional<DueCluster>> advance_expiry(const PublishContext& context,
                                                               const AgendaRow& row);
// Everything of it, in one transaction: documents, machines' identities, authorities, secrets,
// revisions, members with their addresses. `transaction`: what else is to go, such as its tokens.
// `action`: "cluster-deleted", "cluster-expired". Cost: that cluster, however many there are.
[[nodiscard]] Result<void> delete_cluster(const PublishContext& context, const std::string& name,
                                          const std::string& actor, std::string_view action,
                                          Transaction transaction);

}  // namespace muster
