// Clusters on demand, and what their machines are started with.
#include <spdlog/spdlog.h>

#include "enrolment/join_token.hpp"
#include "fleet/cluster_end.hpp"
#include "fleet/cluster_orders.hpp"
#include "fleet/on_demand.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {
namespace {

std::string user_data_text(const Rooms& rooms, const std::string& cluster, const std::string& pool,
                           const std::string& token) {
  return user_data(site_contact(rooms), fmt::format("cluster {}, pool {}", cluster, pool), token);
}

nlohmann::json user_data_files(const Rooms& rooms, const std::string& cluster,
                               const std::vector<PlacesToken>& tokens) {
  nlohmann::json files = nlohmann::json::array();
  for (const PlacesToken& token : tokens)
    files.push_back({{"name", fmt::format("{}-{}.yaml", cluster, token.name)},
                     {"pool", token.pool},
                     {"machines", token.machines},
                     {"text", user_data_text(rooms, cluster, token.pool, token.text)}});
  return files;
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
  const auto created = create_cluster_for(rooms, caller, order);
  if (!created) return refused_response(created.error(), request);
  spdlog::info("{}: created cluster {} of template {}", caller.text(), order.name,
               order.template_name);
  nlohmann::json answer = to_value(rooms, *created);
  answer["userData"] = user_data_files(rooms, order.name, created->tokens);
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
  std::uint32_t nodes = 0;
  bool again = false;
  auto read = read_json_body("scale", request, [&](JsonObject& root) {
    root.number("nodes", nodes);
    root.flag("again", again, Need::optional);
  });
  if (!read) return pass(read.error());
  const auto outcome = scale_cluster_for(rooms, caller, cluster, nodes, again);
  if (!outcome) return pass(outcome.error());
  nlohmann::json removing = nlohmann::json::array();
  for (const auto& [node, is_draining] : outcome->leaving)
    removing.push_back({{"node", node}, {"draining", is_draining}});
  nlohmann::json answer = to_value(rooms, outcome->scaled.cluster);
  answer["userData"] = user_data_files(rooms, cluster, outcome->scaled.tokens);
  answer["removing"] = removing;
  answer["untaken"] = outcome->scaled.untaken;
  return secret_response(answer);
}

Result<Response> post_extend(const Rooms& rooms, const Caller& caller, const Request& request) {
  std::uint32_t seconds = 0;
  auto read = read_json_body("extend", request,
                             [&](JsonObject& root) { root.number("ttlSeconds", seconds); });
  if (!read) return pass(read.error());
  const auto extended = extend_cluster_for(rooms, caller, request.parameters.at("cluster"),
                                           std::chrono::seconds(seconds));
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
  const auto token = create_join_token(rooms.enrolment, order, caller.text());
  if (!token) return pass(token.error());
  return secret_response({{"cluster", order.cluster},
                          {"pool", order.pool},
                          {"text", user_data_text(rooms, order.cluster, order.pool, token->text)}});
}

}  // namespace muster::handlers
