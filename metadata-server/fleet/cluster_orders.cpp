#include "fleet/cluster_orders.hpp"

#include "enrolment/quota.hpp"
#include "fleet/machine_removal.hpp"

namespace muster {

namespace {

const Error& error_of(const Error& error) {
  return error;
}
const Error& error_of(const PublishRefusal& refusal) {
  return refusal.error;
}

// Again where another order of the same operator was faster: the quota was looked at before it.
template <class Order>
auto within_quota(const Fleet& fleet, const Caller& caller, const ClusterClaim& claim, Order order)
    -> Result<decltype(order(Transaction()))> {
  using Outcome = decltype(order(Transaction()));
  constexpr int attempts = 20;
  for (int attempt = 1;; ++attempt) {
    Transaction transaction;
    if (auto claimed = claim_quota(fleet.store, caller, claim, transaction); !claimed)
      return pass(claimed.error());
    auto done = order(std::move(transaction));
    const bool is_lost = !done && caller.restricted && attempt < attempts &&
                         error_of(done.error()).kind == ErrorKind::conflict;
    if (!is_lost) return Result<Outcome>(tl::in_place, std::move(done));
  }
}

Result<std::vector<LeavingNode>> remove_surplus(const Fleet& fleet, const ScaledCluster& scaled,
                                                const std::string& by) {
  const std::string& cluster = scaled.cluster.name;
  std::vector<LeavingNode> leaving;
  for (const auto& node : scaled.surplus) {
    RemovalOrder order;
    order.by = by;
    const auto step = order_removal(fleet, {cluster, node}, order);
    if (!step) return pass(step.error());
    leaving.push_back({node, step->is_draining});
  }
  if (leaving.empty()) return leaving;
  if (auto published = fleet.publisher.settle(cluster); !published) return pass(published.error());
  return leaving;
}

}  // namespace

Published<MadeCluster> create_cluster_for(const Fleet& fleet, const Caller& person,
                                          const NewCluster& order) {
  auto allowed = check_lifetime(fleet.store, person, 0, order.lifetime.count());
  if (!allowed) return tl::unexpected(PublishRefusal{allowed.error(), {}});
  const ClusterClaim claim{order.name, order.template_name,
                           std::uint64_t{order.masters} + order.nodes};
  auto tried = within_quota(fleet, person, claim, [&](Transaction transaction) {
    return create_cluster(fleet.publishing, order, std::move(transaction), &fleet.enrolment);
  });
  if (!tried) return tl::unexpected(PublishRefusal{tried.error(), {}});
  return std::move(*tried);
}

Result<ScaleOutcome> scale_cluster_for(const Fleet& fleet, const Caller& person,
                                       const std::string& cluster, std::uint32_t nodes) {
  const auto found = find_on_demand(fleet.store, cluster);
  if (!found) return pass(found.error());
  const ClusterClaim claim{cluster, {}, std::uint64_t{found->cluster.masters} + nodes};
  auto tried = within_quota(fleet, person, claim, [&](Transaction transaction) {
    return scale_cluster(fleet.publishing, cluster, nodes, person.text(), std::move(transaction),
                         &fleet.enrolment);
  });
  if (!tried) return pass(tried.error());
  if (!*tried) return pass(tried->error());
  ScaleOutcome outcome{std::move(**tried), {}};
  auto leaving = remove_surplus(fleet, outcome.scaled, person.text());
  if (!leaving) return pass(leaving.error());
  outcome.leaving = std::move(*leaving);
  return outcome;
}

Result<OnDemandCluster> extend_cluster_for(const Fleet& fleet, const Caller& person,
                                           const std::string& cluster,
                                           std::chrono::seconds lifetime) {
  const auto found = find_on_demand(fleet.store, cluster);
  if (!found) return pass(found.error());
  auto allowed = check_lifetime(fleet.store, person, found->cluster.created_at,
                                unix_seconds(fleet.enrolment.now()) + lifetime.count());
  if (!allowed) return pass(allowed.error());
  return extend_cluster(fleet.publishing, cluster, lifetime, person.text());
}

}  // namespace muster
