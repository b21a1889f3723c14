// Clusters on demand: templates, clusters that are made of them, and what their machines are
// started with.
#include <spdlog/spdlog.h>

#include "enrolment/join_token.hpp"
#include "enrolment/user_data.hpp"
#include "http/cluster_end.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "site/on_demand.hpp"
#include "site/releases.hpp"
#include "site/templates.hpp"

namespace muster::handlers {
namespace {

constexpr std::chrono::minutes master_token_life{15};  // a master is started at once
constexpr std::chrono::hours node_token_life{1};

// The agent's package in the catalogue; empty where there is none: images carry it then.
Result<std::string> agent_digest(const Store& store) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return pass(catalogue.error());
  const auto release = catalogue->newest("muster-agent");
  if (!release) return std::string();
  for (const Artifact& artifact : (*release)->artifacts) {
    if (artifact.kind == ArtifactKind::deb) return artifact.digest;
  }
  return std::string();
}

Granted<std::string> make_user_data(const Rooms& rooms, const NewJoinToken& order,
                                    const std::string& actor) {
  const auto digest = agent_digest(rooms.store);
  if (!digest) return refuse(digest.error());
  const auto token = create_join_token(rooms.enrolment, order, actor);
  if (!token) return refuse(token.error());
  return user_data({order.cluster, order.pool, rooms.site.site(), rooms.site.trust()->list.servers,
                    token->text, *digest});
}

class UserDataFiles {
 public:
  UserDataFiles(const Rooms& rooms, const std::string& cluster, const std::string& actor)
      : rooms_(rooms), cluster_(cluster), actor_(actor) {}

  Granted<> add(const std::string& name, const std::string& pool, std::uint32_t count,
                std::chrono::seconds lifetime) {
    auto text = make_user_data(rooms_, {cluster_, {}, pool, Role::node, count, lifetime}, actor_);
    if (!text) return refuse(text.error());
    files_.push_back({{"name", fmt::format("{}-{}.yaml", cluster_, name)},
                      {"pool", pool},
                      {"machines", count},
                      {"text", *text}});
    return {};
  }
  [[nodiscard]] const nlohmann::json& files() const { return files_; }

 private:
  const Rooms& rooms_;
  const std::string &cluster_, &actor_;
  nlohmann::json files_ = nlohmann::json::array();
};

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

Granted<Response> put_template(const Rooms& rooms, const Caller& caller, const Request& request) {
  Template made;
  made.name = request.parameters.at("name");
  made.set_by = caller.text();
  made.set_at = unix_seconds(rooms.enrolment.now());
  auto read = read_json_body("template", request,
                             [&](JsonObject& root) { root.text_map("files", made.files); });
  if (!read) return refuse(read.error());
  const auto set = set_template(rooms.store, made, rooms.enrolment.now());
  if (!set) return refused_response(set.error(), request);
  spdlog::info("{}: set template {}", caller.text(), made.name);
  return json_response({{"name", made.name}});
}

Granted<Response> get_templates(const Rooms& rooms, const Caller&, const Request&) {
  const auto templates = list_templates(rooms.store);
  if (!templates) return refuse(templates.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& made : *templates) {
    rows.push_back({{"name", made.name},
                    {"files", made.files.size()},
                    {"setBy", made.set_by},
                    {"setAt", made.set_at}});
  }
  return json_response({{"templates", rows}});
}

Granted<Response> delete_template(const Rooms& rooms, const Caller& caller,
                                  const Request& request) {
  const std::string& template_name = request.parameters.at("name");
  auto removed = remove_template(rooms.store, template_name, rooms.enrolment.now(), caller.text());
  if (!removed) return refuse(removed.error());
  return json_response({{"name", template_name}});
}

Granted<Response> post_clusters(const Rooms& rooms, const Caller& caller, const Request& request) {
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
  if (!read) return refuse(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  const auto created = create_cluster(rooms.publishing, order);
  if (!created) return refused_response(created.error(), request);
  rooms.ends.set(created->name, created->expires_at);
  if (auto reloaded = rooms.reload_inventory(order.name); !reloaded)
    return refuse(reloaded.error());
  UserDataFiles files(rooms, order.name, order.actor);
  for (std::uint32_t master = 1; master <= created->masters; ++master) {
    auto added =
        files.add(fmt::format("master-{}", master), created->masters_pool, 1, master_token_life);
    if (!added) return refuse(added.error());
  }
  if (created->nodes > 0) {
    auto added = files.add("nodes", created->nodes_pool, created->nodes, node_token_life);
    if (!added) return refuse(added.error());
  }
  spdlog::info("{}: created cluster {} of template {}", caller.text(), order.name,
               order.template_name);
  nlohmann::json answer = to_value(rooms, *created);
  answer["userData"] = files.files();
  return secret_response(answer);
}

Granted<Response> get_clusters(const Rooms& rooms, const Caller&, const Request&) {
  const auto clusters = list_on_demand(rooms.store);
  if (!clusters) return refuse(clusters.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& cluster : *clusters) rows.push_back(to_value(rooms, cluster));
  return json_response({{"clusters", rows}});
}

Granted<Response> post_scale(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& cluster = request.parameters.at("cluster");
  const std::string actor = caller.text();
  std::uint32_t nodes = 0;
  auto read =
      read_json_body("scale", request, [&](JsonObject& root) { root.number("nodes", nodes); });
  if (!read) return refuse(read.error());
  const auto scaled = scale_cluster(rooms.publishing, cluster, nodes, actor);
  if (!scaled) return refuse(scaled.error());
  UserDataFiles files(rooms, cluster, actor);
  if (scaled->more > 0) {
    auto added = files.add("nodes", scaled->cluster.nodes_pool, scaled->more, node_token_life);
    if (!added) return refuse(added.error());
  }
  nlohmann::json answer = to_value(rooms, scaled->cluster);
  answer["userData"] = files.files();
  return secret_response(answer);
}

Granted<Response> post_extend(const Rooms& rooms, const Caller& caller, const Request& request) {
  std::uint32_t seconds = 0;
  auto read = read_json_body("extend", request,
                             [&](JsonObject& root) { root.number("ttlSeconds", seconds); });
  if (!read) return refuse(read.error());
  const auto extended = extend_cluster(rooms.publishing, request.parameters.at("cluster"),
                                       std::chrono::seconds(seconds), caller.text());
  if (!extended) return refuse(extended.error());
  rooms.ends.set(extended->name, extended->expires_at);
  return json_response(to_value(rooms, *extended));
}

Granted<Response> delete_cluster(const Rooms& rooms, const Caller& caller, const Request& request) {
  ClusterEnd end{request.parameters.at("cluster"), caller.text(), "cluster-deleted", {}};
  const auto wanted = query_text(request, "onDelete", Need::optional);
  if (!wanted) return refuse(wanted.error());
  if (!wanted->empty()) {
    const auto on_delete = parse_on_delete(*wanted);
    if (!on_delete)
      return refuse(ErrorKind::invalid, "invalid", "query: onDelete: " + on_delete.error().message);
    end.on_delete = *on_delete;
  }
  if (auto ended = end_cluster(rooms, end); !ended) return refuse(ended.error());
  return json_response({{"name", end.cluster}});
}

Granted<Response> post_user_data(const Rooms& rooms, const Caller& caller, const Request& request) {
  NewJoinToken order;
  std::uint32_t seconds = 3600;
  auto read = read_json_body("user-data request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.text("pool", order.pool);
    root.number("count", order.count, Need::optional);
    root.number("ttlSeconds", seconds, Need::optional);
  });
  if (!read) return refuse(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  const auto text = make_user_data(rooms, order, caller.text());
  if (!text) return refuse(text.error());
  return secret_response({{"cluster", order.cluster}, {"pool", order.pool}, {"text", *text}});
}

}  // namespace muster::handlers
