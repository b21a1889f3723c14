// Clusters on demand, and what their machines are started with.
#include <spdlog/spdlog.h>

#include "enrolment/join_token.hpp"
#include "enrolment/quota.hpp"
#include "fleet/cluster_end.hpp"
#include "fleet/machine_removal.hpp"
#include "fleet/on_demand.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {
namespace {

constexpr std::chrono::minutes master_token_life{15};  // a master is started at once
constexpr std::chrono::hours node_token_life{1};

struct MadeUserData {
  std::string text, token_id;
};

Result<MadeUserData> make_user_data(const Rooms& rooms, const NewJoinToken& order,
                                    const std::string& actor) {
  const auto token = create_join_token(rooms.enrolment, order, actor);
  if (!token) return pass(token.error());
  const std::string whom = fmt::format("cluster {}, pool {}", order.cluster, order.pool);
  return MadeUserData{user_data(site_contact(rooms), whom, token->text), token->id};
}

class UserDataFiles {
 public:
  UserDataFiles(const Rooms& rooms, const std::string& cluster, const std::string& actor)
      : rooms_(rooms), cluster_(cluster), actor_(actor) {}

  Result<void> add(const std::string& name, const std::string& pool, std::uint32_t count,
                   std::chrono::seconds lifetime) {
    auto made = make_user_data(rooms_, {cluster_, {}, pool, Role::node, count, lifetime}, actor_);
    if (!made) return pass(made.error());
    tokens_.push_back(made->token_id);
    files_.push_back({{"name", fmt::format("{}-{}.yaml", cluster_, name)},
                      {"pool", pool},
                      {"machines", count},
                      {"text", made->text}});
    return {};
  }
  // What nobody uses of them ends when the cluster is complete.
  Result<void> keep_tokens() {
    if (tokens_.empty()) return {};
    if (auto noted = note_open_tokens(rooms_.store, cluster_, tokens_); !noted)
      return pass(noted.error());
    return {};
  }
  [[nodiscard]] const nlohmann::json& files() const { return files_; }

 private:
  const Rooms& rooms_;
  const std::string &cluster_, &actor_;
  nlohmann::json files_ = nlohmann::json::array();
  std::vector<std::string> tokens_;
};

const Error& error_of(const Error& error) {
  return error;
}
const Error& error_of(const PublishRefusal& refusal) {
  return refusal.error;
}

nlohmann::json to_value(const Rooms& rooms, const OnDemandCluster& cluster) {
  const auto served = rooms.current.cluster(cluster.name);
  return {{"name", cluster.name},
          {"template", cluster.template_name},
          {"masters", cluster.masters},
          {"nodes", cluster.nodes},
          {"machines", served ? served->documents.size() : 0},
          {"createdAt", cluster.created_at},
          {"expiresAt", cluster.expires_at},
          {"secondsLeft", rooms.ends.left(cluster.name, unix_seconds(rooms.enrolment.now()))
                              .value_or(std::chrono::seconds(0))
                              .count()},
          {"createdBy", cluster.created_by}};
}

Response secret_response(const nlohmann::json& value) {
  Response response = json_response(value);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// Again where another order of the same operator was faster: the quota was looked at before it.
template <class Order>
auto within_quota(const Rooms& rooms, const Caller& caller, const ClusterClaim& claim, Order order)
    -> Result<decltype(order(Transaction()))> {
  using Outcome = decltype(order(Transaction()));
  constexpr int attempts = 20;
  for (int attempt = 1;; ++attempt) {
    Transaction transaction;
    if (auto claimed = claim_quota(rooms.store, caller, claim, transaction); !claimed)
      return pass(claimed.error());
    auto done = order(std::move(transaction));
    const bool is_lost = !done && caller.restricted && attempt < attempts &&
                         error_of(done.error()).kind == ErrorKind::conflict;
    if (!is_lost) return Result<Outcome>(tl::in_place, std::move(done));
  }
}

// What was handed out before, and not used, admits nobody any more.
Result<void> revoke_unused_nodes(const Rooms& rooms, const OnDemandCluster& cluster,
                                 const std::string& actor) {
  Transaction transaction;
  const auto unused =
      revoke_unused(rooms.enrolment, cluster.open_tokens, cluster.nodes_pool, actor, transaction);
  if (!unused) return pass(unused.error());
  if (auto committed = rooms.store.commit(transaction); !committed) return pass(committed.error());
  return {};
}

// Each is drained where that makes sense; what is ordered stands, whatever becomes of the others.
Result<nlohmann::json> remove_surplus(const Rooms& rooms, const ScaledCluster& scaled,
                                      const std::string& actor) {
  const std::string& cluster = scaled.cluster.name;
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& node : scaled.surplus) {
    RemovalOrder order;
    order.by = actor;
    const auto step = order_removal(rooms, {cluster, node}, order);
    if (!step) return pass(step.error());
    rows.push_back({{"node", node}, {"draining", step->is_draining}});
  }
  if (scaled.surplus.empty()) return rows;
  const auto published = republish(rooms.publishing, cluster, actor);
  if (!published) return pass(published.error().error);
  return rows;
}

}  // namespace

Result<Response> post_clusters(const Rooms& rooms, const Caller& caller, const Request& request) {
  NewCluster order;
  order.actor = caller.text();
  std::uint32_t seconds = 4 * 3600;
  auto read = read_json_body("cluster", request, [&](JsonObject& root) {
    root.text("name", order.name);
    root.text("template", order.template_name);
    root.number("masters", order.masters, Need::optional);
    root.number("nodes", order.nodes, Need::optional);
    root.number("ttlSeconds", seconds, Need::optional);
  });
  if (!read) return pass(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  auto allowed = check_lifetime(rooms.store, caller, 0, seconds);
  if (!allowed) return pass(allowed.error());
  const ClusterClaim claim{order.name, order.template_name,
                           std::uint64_t{order.masters} + order.nodes};
  const auto tried = within_quota(rooms, caller, claim, [&](Transaction transaction) {
    return create_cluster(rooms.publishing, order, std::move(transaction));
  });
  if (!tried) return pass(tried.error());
  const auto& created = *tried;
  if (!created) return refused_response(created.error(), request);
  UserDataFiles files(rooms, order.name, order.actor);
  for (std::uint32_t master = 1; master <= created->masters; ++master) {
    auto added =
        files.add(fmt::format("master-{}", master), created->masters_pool, 1, master_token_life);
    if (!added) return pass(added.error());
  }
  if (created->nodes > 0) {
    auto added = files.add("nodes", created->nodes_pool, created->nodes, node_token_life);
    if (!added) return pass(added.error());
  }
  if (auto kept = files.keep_tokens(); !kept) return pass(kept.error());
  spdlog::info("{}: created cluster {} of template {}", caller.text(), order.name,
               order.template_name);
  nlohmann::json answer = to_value(rooms, *created);
  answer["userData"] = files.files();
  return secret_response(answer);
}

Result<Response> get_clusters(const Rooms& rooms, const Caller& caller, const Request&) {
  const auto clusters = list_on_demand(rooms.store);
  if (!clusters) return pass(clusters.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& cluster : *clusters) {
    if (!caller.restricted || cluster.created_by == caller.text())
      rows.push_back(to_value(rooms, cluster));
  }
  return json_response({{"clusters", rows}});
}

Result<Response> post_scale(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& cluster = request.parameters.at("cluster");
  const std::string actor = caller.text();
  std::uint32_t nodes = 0;
  auto read =
      read_json_body("scale", request, [&](JsonObject& root) { root.number("nodes", nodes); });
  if (!read) return pass(read.error());
  const auto found = find_on_demand(rooms.store, cluster);
  if (!found) return pass(found.error());
  const OnDemandCluster& before = found->cluster;
  const ClusterClaim claim{cluster, {}, std::uint64_t{before.masters} + nodes};
  const auto tried = within_quota(rooms, caller, claim, [&](Transaction transaction) {
    return scale_cluster(rooms.publishing, cluster, nodes, actor, std::move(transaction));
  });
  if (!tried) return pass(tried.error());
  const auto& scaled = *tried;
  if (!scaled) return pass(scaled.error());
  if (nodes < before.nodes) {
    if (auto revoked = revoke_unused_nodes(rooms, before, actor); !revoked)
      return pass(revoked.error());
  }
  const auto removing = remove_surplus(rooms, *scaled, actor);
  if (!removing) return pass(removing.error());
  UserDataFiles files(rooms, cluster, actor);
  if (scaled->more > 0) {
    auto added = files.add("nodes", scaled->cluster.nodes_pool, scaled->more, node_token_life);
    if (!added) return pass(added.error());
  }
  if (auto kept = files.keep_tokens(); !kept) return pass(kept.error());
  nlohmann::json answer = to_value(rooms, scaled->cluster);
  answer["userData"] = files.files();
  answer["removing"] = *removing;
  return secret_response(answer);
}

Result<Response> post_extend(const Rooms& rooms, const Caller& caller, const Request& request) {
  std::uint32_t seconds = 0;
  auto read = read_json_body("extend", request,
                             [&](JsonObject& root) { root.number("ttlSeconds", seconds); });
  if (!read) return pass(read.error());
  const std::string& cluster = request.parameters.at("cluster");
  const auto found = find_on_demand(rooms.store, cluster);
  if (!found) return pass(found.error());
  const OnDemandCluster& before = found->cluster;
  auto allowed = check_lifetime(rooms.store, caller, before.created_at,
                                unix_seconds(rooms.enrolment.now()) + seconds);
  if (!allowed) return pass(allowed.error());
  const auto extended =
      extend_cluster(rooms.publishing, cluster, std::chrono::seconds(seconds), caller.text());
  if (!extended) return pass(extended.error());
  return json_response(to_value(rooms, *extended));
}

Result<Response> delete_cluster(const Rooms& rooms, const Caller& caller, const Request& request) {
  ClusterEnd end{request.parameters.at("cluster"), caller.text(), "cluster-deleted", {}, {}};
  auto confirmed = query_text(request, "confirm", Need::optional);
  if (!confirmed) return pass(confirmed.error());
  end.confirmed = std::move(*confirmed);
  const auto wanted = query_text(request, "onDelete", Need::optional);
  if (!wanted) return pass(wanted.error());
  if (!wanted->empty()) {
    const auto on_delete = parse_on_delete(*wanted);
    if (!on_delete)
      return fail(ErrorKind::invalid, "query: onDelete: " + on_delete.error().message);
    end.on_delete = *on_delete;
  }
  if (auto ended = end_cluster(rooms, end); !ended) return pass(ended.error());
  return json_response({{"name", end.cluster}});
}

Result<Response> post_user_data(const Rooms& rooms, const Caller& caller, const Request& request) {
  NewJoinToken order;
  std::uint32_t seconds = 3600;
  auto read = read_json_body("user-data request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.text("pool", order.pool);
    root.number("count", order.count, Need::optional);
    root.number("ttlSeconds", seconds, Need::optional);
  });
  if (!read) return pass(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  const auto made = make_user_data(rooms, order, caller.text());
  if (!made) return pass(made.error());
  return secret_response({{"cluster", order.cluster}, {"pool", order.pool}, {"text", made->text}});
}

}  // namespace muster::handlers
