#include "fleet/on_demand.hpp"

#include <algorithm>
#include <tuple>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "enrolment/join_token.hpp"
#include "inventory/cluster_template.hpp"
#include "pki/unix_seconds.hpp"
#include "publish/cluster_publication.hpp"
#include "publish/templates.hpp"
#include "records/audit.hpp"
#include "records/cluster_life.hpp"
#include "records/drain.hpp"
#include "records/pool_member.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::chrono::seconds shortest_life = std::chrono::minutes(10);
// An end that is brought forward: its machines hear of it within their next minute.
constexpr std::chrono::seconds shortest_rest = std::chrono::minutes(1);
constexpr std::chrono::seconds longest_life = std::chrono::hours(24 * 30);

void check_lifetime(std::chrono::seconds lifetime, std::chrono::seconds shortest,
                    std::vector<Problem>& problems) {
  if (lifetime >= shortest && lifetime <= longest_life) return;
  problems.push_back({"/ttlSeconds", fmt::format("expected {} to {}, found {}", shortest.count(),
                                                 longest_life.count(), lifetime.count())});
}

// The first of its warnings that is still to come, else its end.
std::int64_t next_of(std::int64_t expires_at, std::int64_t now) {
  for (const auto before : expiry_warnings) {
    if (now < expires_at - before.count()) return expires_at - before.count();
  }
  return expires_at;
}

// Its row of the schedule goes where its next one is.
void schedule(OnDemandCluster& cluster, std::int64_t now, Transaction& transaction) {
  remove_scheduled(cluster.next_at, scheduled::cluster, cluster.name, transaction);
  cluster.next_at = next_of(cluster.expires_at, now);
  put_scheduled({cluster.next_at, std::string(scheduled::cluster), cluster.name, {}}, transaction);
}

void check_nodes(std::uint32_t nodes, const NodePool& pool, std::vector<Problem>& problems) {
  if (nodes <= static_cast<std::uint32_t>(pool.maximum.value)) return;
  problems.push_back(
      {"/nodes",
       fmt::format("expected at most {}, the maximum of the template's pool '{}', found {}",
                   pool.maximum.value, pool.name.value, nodes)});
}

std::vector<Problem> problems_of(const NewCluster& order, const NodePool& nodes) {
  std::vector<Problem> problems;
  if (!is_dns_label(order.name)) {
    problems.push_back(
        {"/name", fmt::format("expected a name such as 'ci-42', found {}", in_ticks(order.name))});
  }
  if (order.masters > 7 || order.masters % 2 == 0) {
    problems.push_back({"/masters", fmt::format("expected 1, 3, 5 or 7, found {}", order.masters)});
  }
  check_nodes(order.nodes, nodes, problems);
  check_lifetime(order.lifetime, shortest_life, problems);
  return problems;
}

Result<void> put_order(const PublishContext& context, const FoundOnDemand& order,
                       const std::string& actor, const std::string& action,
                       const std::string& detail, Transaction transaction = {}) {
  const std::string& name = order.cluster.name;
  transaction.expect(kinds::on_demand, name, order.version)
      .put(kinds::on_demand, name, to_json(order.cluster));
  append_audit(transaction, context.now(), actor, action, name, detail);
  return commit(context.store, transaction);
}

}  // namespace

namespace {

constexpr std::chrono::minutes master_token_life{15};  // a master is started at once
constexpr std::chrono::hours node_token_life{1};

Result<PlacesToken> add_places(const EnrolmentContext& enrolment, OnDemandCluster& cluster,
                               std::string name, Role role, std::uint32_t machines,
                               const std::string& actor, Transaction& transaction) {
  const bool is_master = role == Role::master;
  const std::string& pool = is_master ? cluster.masters_pool : cluster.nodes_pool;
  const auto token = add_join_token(
      enrolment,
      {cluster.name,
       {},
       pool,
       role,
       machines,
       is_master ? std::chrono::seconds(master_token_life) : std::chrono::seconds(node_token_life)},
      actor, transaction);
  if (!token) return pass(token.error());
  cluster.open_tokens.push_back(token->id);
  return PlacesToken{std::move(name), pool, token->text, machines};
}

Result<std::vector<PlacesToken>> add_first_places(const EnrolmentContext& enrolment,
                                                  OnDemandCluster& cluster,
                                                  Transaction& transaction) {
  std::vector<PlacesToken> tokens;
  for (std::uint32_t master = 1; master <= cluster.masters + (cluster.nodes > 0 ? 1 : 0);
       ++master) {
    const bool is_master = master <= cluster.masters;
    auto places = add_places(enrolment, cluster,
                             is_master ? fmt::format("master-{}", master) : std::string("nodes"),
                             is_master ? Role::master : Role::node, is_master ? 1 : cluster.nodes,
                             cluster.created_by, transaction);
    if (!places) return pass(places.error());
    tokens.push_back(std::move(*places));
  }
  return tokens;
}

}  // namespace

Published<MadeCluster> create_cluster(const PublishContext& context, const NewCluster& order,
                                      Transaction transaction, const EnrolmentContext* enrolment) {
  const auto made = find_template(context.store, order.template_name);
  if (!made) return tl::unexpected(refused(made.error()));
  const auto inventory = load(made->files);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  const NodePool& nodes = template_pool(*inventory, Role::node);
  if (const auto problems = problems_of(order, nodes); !problems.empty())
    return tl::unexpected(
        refused({ErrorKind::invalid, fmt::format("cluster:\n{}", to_text(problems))}));
  if (const auto there = find_on_demand(context.store, order.name)) {
    return tl::unexpected(refused(
        {ErrorKind::conflict,
         fmt::format(
             "cluster '{0}': there is one of that name; take another. Where it was made, and what its machines are started with is lost: `muster cluster scale {0} --nodes {1} --again --user-data-dir DIR`",
             order.name, there->cluster.nodes)}));
  }
  MadeCluster cluster;
  cluster.name = order.name;
  cluster.template_name = order.template_name;
  cluster.masters_pool = template_pool(*inventory, Role::master).name.value;
  cluster.nodes_pool = nodes.name.value;
  cluster.masters = order.masters;
  cluster.nodes = order.nodes;
  const std::int64_t latest = unix_seconds(latest_now(context));
  cluster.created_at = latest;
  cluster.expires_at = latest + order.lifetime.count();
  cluster.created_by = order.actor;
  schedule(cluster, latest, transaction);
  if (enrolment != nullptr) {
    auto tokens = add_first_places(*enrolment, cluster, transaction);
    if (!tokens) return tl::unexpected(refused(tokens.error()));
    cluster.tokens = std::move(*tokens);
  }
  transaction.expect(kinds::on_demand, order.name, 0)
      .put(kinds::on_demand, order.name, to_json(cluster));
  append_audit(transaction, context.now(), order.actor, "cluster-created", order.name,
               fmt::format("template {}, {} masters, {} nodes, expires {}", order.template_name,
                           order.masters, order.nodes, cluster.expires_at));
  const auto published = publish_instance(
      context, {order.name, made->files, order.masters, order.actor}, std::move(transaction));
  if (!published) return tl::unexpected(published.error());
  return cluster;
}

namespace {

// Those of the pool that stay, were nothing ordered now; the newest first.
Result<std::vector<MemberRecord>> staying_members(const Store& store, const std::string& cluster,
                                                  const std::string& pool) {
  auto members = list_members(store, cluster);
  if (!members) return members;
  const auto drains = list_drains(store, cluster);
  if (!drains) return pass(drains.error());
  const auto leaves = [&](const MemberRecord& member) {
    return std::any_of(drains->begin(), drains->end(), [&](const FoundDrain& found) {
      return found.record.remove && found.record.node == member.node;
    });
  };
  std::erase_if(*members, [&](const MemberRecord& member) {
    return member.pool != pool || member.removed_at != 0 || leaves(member);
  });
  // Of one second, the highest index: names are given from the lowest.
  const auto age = [](const MemberRecord& member) {
    return std::tuple(member.admitted_at, member.node.size(), std::string_view(member.node));
  };
  std::sort(members->begin(), members->end(),
            [&](const auto& left, const auto& right) { return age(left) > age(right); });
  return members;
}

std::uint32_t free_places(std::uint32_t wanted, const std::vector<MemberRecord>& members) {
  const auto taken = static_cast<std::uint32_t>(members.size());
  return wanted - std::min(wanted, taken);
}

}  // namespace

Result<ScaledCluster> scale_cluster(const PublishContext& context, const std::string& name,
                                    std::uint32_t nodes, const std::string& actor,
                                    Transaction transaction, const EnrolmentContext* enrolment,
                                    const ScaleOrder& order) {
  auto found = find_on_demand(context.store, name);
  if (!found) return pass(found.error());
  const auto inventory = published_inventory(context.store, name);
  if (!inventory) return pass(inventory.error());
  std::vector<Problem> problems;
  check_nodes(nodes, template_pool(*inventory, Role::node), problems);
  if (!problems.empty()) return fail(fmt::format("cluster '{}'", name), problems);
  const auto members = staying_members(context.store, name, found->cluster.nodes_pool);
  if (!members) return pass(members.error());
  const std::uint32_t before = found->cluster.nodes;
  ScaledCluster scaled;
  const auto masters = staying_members(context.store, name, found->cluster.masters_pool);
  if (!masters) return pass(masters.error());
  const std::uint32_t free_nodes = free_places(nodes, *members);
  const std::uint32_t free_masters = free_places(found->cluster.masters, *masters);
  if (order.again) {
    scaled.more = free_nodes;
  } else if (nodes >= before) {
    scaled.more = nodes - before;
  } else if (nodes > members->size()) {
    scaled.more = nodes - static_cast<std::uint32_t>(members->size());
  }
  for (std::size_t i = 0; i + nodes < members->size(); ++i)
    scaled.surplus.push_back((*members)[i].node);
  found->cluster.nodes = nodes;
  scaled.untaken = free_nodes + free_masters - std::min(free_nodes, scaled.more);
  if (enrolment != nullptr && (nodes < before || order.again)) {
    // What was handed out before, and not used, admits nobody any more.
    const auto unused =
        revoke_unused(*enrolment, found->cluster.open_tokens,
                      order.again ? std::string() : found->cluster.nodes_pool, actor, transaction);
    if (!unused) return pass(unused.error());
  }
  if (enrolment != nullptr && order.again) {
    found->cluster.open_tokens.clear();
    for (std::uint32_t master = 1; master <= free_masters; ++master) {
      auto places = add_places(*enrolment, found->cluster, fmt::format("master-{}", master),
                               Role::master, 1, actor, transaction);
      if (!places) return pass(places.error());
      scaled.tokens.push_back(std::move(*places));
    }
    scaled.untaken = 0;
  }
  if (enrolment != nullptr && scaled.more > 0) {
    auto places = add_places(*enrolment, found->cluster, "nodes", Role::node, scaled.more, actor,
                             transaction);
    if (!places) return pass(places.error());
    scaled.tokens.push_back(std::move(*places));
  }
  if (order.dismiss && !scaled.surplus.empty()) {
    if (auto added = order.dismiss(scaled.surplus, transaction); !added) return pass(added.error());
  }
  auto put =
      put_order(context, *found, actor, "cluster-scaled",
                fmt::format("{} nodes instead of {}", nodes, before), std::move(transaction));
  if (!put) return pass(put.error());
  scaled.cluster = std::move(found->cluster);
  return scaled;
}

Result<OnDemandCluster> extend_cluster(const PublishContext& context, const std::string& name,
                                       std::chrono::seconds lifetime, const std::string& actor) {
  auto found = find_on_demand(context.store, name);
  if (!found) return pass(found.error());
  std::vector<Problem> problems;
  check_lifetime(lifetime, shortest_rest, problems);
  if (!problems.empty()) return fail(fmt::format("cluster '{}'", name), problems);
  const std::int64_t now = unix_seconds(latest_now(context));
  found->cluster.expires_at = now + lifetime.count();
  Transaction transaction;
  schedule(found->cluster, now, transaction);
  auto put =
      put_order(context, *found, actor, "cluster-extended",
                fmt::format("expires {}", found->cluster.expires_at), std::move(transaction));
  if (!put) return pass(put.error());
  return std::move(found->cluster);
}

Result<std::optional<DueCluster>> advance_expiry(const PublishContext& context,
                                                 const ScheduleRow& row, TimePoint time) {
  auto found = find_on_demand(context.store, row.name);
  if (!found && found.error().kind != ErrorKind::not_found) return pass(found.error());
  if (!found || found->cluster.next_at != row.at) {
    Transaction transaction;
    remove_scheduled(row.at, row.what, row.name, transaction);
    if (auto removed = context.store.commit(transaction); !removed) return pass(removed.error());
    return std::nullopt;
  }
  const std::int64_t now = unix_seconds(time);
  if (now >= found->cluster.expires_at)
    return DueCluster{std::move(found->cluster), true, found->version};
  Transaction transaction;
  schedule(found->cluster, now, transaction);
  auto put = put_order(context, *found, "expiry", "cluster-expiry-warned",
                       fmt::format("expires {}, in {} s", found->cluster.expires_at,
                                   found->cluster.expires_at - now),
                       std::move(transaction));
  if (!put) return pass(put.error());
  return DueCluster{std::move(found->cluster), false};
}

Result<void> delete_cluster(const PublishContext& context, ClusterKind kind,
                            const std::string& name, const std::string& actor,
                            std::string_view action, Transaction transaction) {
  const auto order = context.store.get(kinds::on_demand, name);
  if (!order && kind == ClusterKind::on_demand)
    return pass(find_on_demand(context.store, name).error());
  if (!order && order.error().kind != ErrorKind::not_found) return pass(order.error());
  const auto cluster = context.store.get(kinds::cluster, name);
  if (!cluster && cluster.error().kind != ErrorKind::not_found) return pass(cluster.error());
  if (kind == ClusterKind::listed && (order || !cluster)) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "cluster '{}': no inventory of it is published; `muster status` shows the clusters there are",
            name));
  }
  const auto machines = context.store.count(kinds::document, kinds::prefix_of(name));
  if (!machines) return pass(machines.error());
  transaction.expect(kinds::on_demand, name, order ? order->version : 0)
      .remove(kinds::on_demand, name)
      .expect(kinds::cluster, name, cluster ? cluster->version : 0)
      .remove(kinds::cluster, name);
  // Rows of the schedule of what cannot be read are none when they are due.
  if (const auto read = order ? parse_on_demand_cluster(order->value) : pass(order.error()))
    remove_scheduled(read->next_at, scheduled::cluster, name, transaction);
  if (auto removed = remove_records_of(context.store, name, transaction); !removed) return removed;
  append_audit(transaction, context.now(), actor, action, name,
               fmt::format("{} machines", *machines));
  return commit(context.store, transaction);
}

}  // namespace muster
