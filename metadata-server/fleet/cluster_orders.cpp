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

// Again where another order of the same operator was faster, the quota was looked at before it; of
// a cluster that is there, where it was published meanwhile.
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
    const bool is_lost = !done && (caller.restricted || claim.template_name.empty()) &&
                         attempt < attempts && error_of(done.error()).kind == ErrorKind::conflict;
    if (!is_lost) return Result<Outcome>(tl::in_place, std::move(done));
  }
}

}  // namespace

Published<MadeCluster> create_cluster_for(const Fleet& fleet, const Caller& person,
                                          const NewCluster& order) {
  if (auto known = check_clock(fleet.enrolment, fmt::format("cluster '{}'", order.name)); !known)
    return tl::unexpected(PublishRefusal{known.error(), {}});
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
                                       const std::string& cluster, std::uint32_t nodes,
                                       bool again) {
  if (auto known = check_clock(fleet.enrolment, fmt::format("cluster '{}'", cluster)); !known)
    return pass(known.error());
  const auto found = find_on_demand(fleet.store, cluster);
  if (!found) return pass(found.error());
  const ClusterClaim claim{cluster, {}, std::uint64_t{found->cluster.masters} + nodes};
  std::vector<LeavingNode> leaving;
  ScaleOrder order;
  order.again = again;
  order.dismiss = [&](const std::vector<std::string>& surplus,
                      Transaction& transaction) -> Result<void> {
    RemovalOrder removal;
    removal.by = person.text();
    leaving.clear();
    for (const auto& node : surplus) {
      const auto is_draining = add_removal(fleet, {cluster, node}, removal, transaction);
      if (!is_draining) return pass(is_draining.error());
      leaving.push_back({node, *is_draining});
    }
    return {};
  };
  auto tried = within_quota(fleet, person, claim, [&](Transaction transaction) {
    return scale_cluster(fleet.publishing, cluster, nodes, person.text(), std::move(transaction),
                         &fleet.enrolment, order);
  });
  if (!tried) return pass(tried.error());
  if (!*tried) return pass(tried->error());
  ScaleOutcome outcome{std::move(**tried), std::move(leaving)};
  if (outcome.leaving.empty()) return outcome;
  // Who cannot be drained goes now; it stands already, and the next tick would go on.
  if (auto finished = finish_drains(fleet); !finished) return pass(finished.error());
  if (auto published = fleet.publisher.settle(cluster); !published) return pass(published.error());
  return outcome;
}

Result<OnDemandCluster> extend_cluster_for(const Fleet& fleet, const Caller& person,
                                           const std::string& cluster,
                                           std::chrono::seconds lifetime) {
  if (auto known = check_clock(fleet.enrolment, fmt::format("cluster '{}'", cluster)); !known)
    return pass(known.error());
  const auto found = find_on_demand(fleet.store, cluster);
  if (!found) return pass(found.error());
  auto allowed = check_lifetime(fleet.store, person, found->cluster.created_at,
                                unix_seconds(latest_now(fleet.enrolment)) + lifetime.count());
  if (!allowed) return pass(allowed.error());
  return extend_cluster(fleet.publishing, cluster, lifetime, person.text());
}

}  // namespace muster
