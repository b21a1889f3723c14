// Clusters that the server makes from a template and owns until they expire. `apply` refuses their
// names. Creating one costs the same however many there are.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "enrolment/enrolment_context.hpp"
#include "publish/publish.hpp"
#include "records/on_demand_record.hpp"
#include "records/schedule.hpp"
#include "store/store.hpp"

namespace muster {

// How long before its end a cluster warns.
inline constexpr std::array<std::chrono::seconds, 2> expiry_warnings{std::chrono::minutes(30),
                                                                     std::chrono::minutes(5)};

struct NewCluster {
  std::string name, template_name;
  std::uint32_t masters = 1;                              // 1, 3, 5 or 7
  std::uint32_t nodes = 0;                                // at most the pool's maximum
  std::chrono::seconds lifetime = std::chrono::hours(4);  // 10 minutes to 30 days
  std::string actor;
};
// What machines of a pool are started with.
struct PlacesToken {
  std::string name;  // "master-1", "nodes"
  std::string pool, text;
  std::uint32_t machines = 0;
};
struct MadeCluster : OnDemandCluster {
  std::vector<PlacesToken> tokens;
};
// Its authorities, secrets, first revision and join tokens, in one transaction. Nobody is served
// anything before its masters are there. `transaction`: what is to be written with it.
// `enrolment`: none makes no tokens. Refusals: invalid, every problem at once; not_found: no such
// template; conflict: a cluster has that name.
[[nodiscard]] Published<MadeCluster> create_cluster(const PublishContext& context,
                                                    const NewCluster& order,
                                                    Transaction transaction = {},
                                                    const EnrolmentContext* enrolment = nullptr);

// How many nodes there are to be: of what is asked for, `more` are new, and the members `surplus`,
// the newest, are to go; asked again, it tells those that are still there. With the tokens of what
// is new; what was handed out before ends where there are to be fewer. One transaction. invalid:
// more than the pool's maximum.
struct ScaleOrder {
  // What was handed out before and is not used ends, and every place that nobody has gets a token.
  bool again = false;
  // Adds to the transaction that the surplus is to go.
  std::function<Result<void>(const std::vector<std::string>& surplus, Transaction& transaction)>
      dismiss = {};
};
struct ScaledCluster {
  OnDemandCluster cluster;
  // Places, masters' too, that nobody has, without those that the tokens here are for.
  std::uint32_t untaken = 0;
  std::uint32_t more = 0;
  std::vector<std::string> surplus;
  std::vector<PlacesToken> tokens;
};
[[nodiscard]] Result<ScaledCluster> scale_cluster(const PublishContext& context,
                                                  const std::string& name, std::uint32_t nodes,
                                                  const std::string& actor,
                                                  Transaction transaction = {},
                                                  const EnrolmentContext* enrolment = nullptr,
                                                  const ScaleOrder& order = {});
// It expires `lifetime` from now, 1 minute to 30 days; it warns of that end anew.
[[nodiscard]] Result<OnDemandCluster> extend_cluster(const PublishContext& context,
                                                     const std::string& name,
                                                     std::chrono::seconds lifetime,
                                                     const std::string& actor);
// What the schedule's row is about: a cluster that warns of its end, which is written down, or one
// whose end has come, which is left to the caller. Nothing for a row that was overtaken, which
// goes.
struct DueCluster {
  OnDemandCluster cluster;
  bool has_ended = false;
  std::uint64_t version = 0;  // of the record by which it has
};
[[nodiscard]] Result<std::optional<DueCluster>> advance_expiry(const PublishContext& context,
                                                               const ScheduleRow& row,
                                                               TimePoint now);
// Everything of it, in one transaction: documents, machines' identities, authorities, secrets,
// revisions, members with their addresses. `transaction`: what else is to go, such as its tokens.
// `action`: "cluster-deleted", "cluster-expired". Cost: that cluster, however many there are.
// not_found: there is none of that kind and name.
enum class ClusterKind { on_demand, listed };
[[nodiscard]] Result<void> delete_cluster(const PublishContext& context, ClusterKind kind,
                                          const std::string& name, const std::string& actor,
                                          std::string_view action, Transaction transaction);

}  // namespace muster
