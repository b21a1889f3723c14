#include "records/secrets.hpp"

#include <spdlog/spdlog.h>

#include "fleet/known_clusters.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "pki/signature.hpp"
#include "publish/secret_removal.hpp"
#include "publish/secrets_of_revisions.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {

Result<Response> get_secrets(const Rooms& rooms, const Caller&, const Request& request) {
  const auto cluster = query_text(request, "cluster", Need::optional);
  if (!cluster) return pass(cluster.error());
  const auto secrets = list_secrets(rooms.store, *cluster);
  if (!secrets) return pass(secrets.error());
  // Secrets may come before the first publication.
  if (auto known = check_known(rooms, *cluster); secrets->empty() && !known)
    return pass(known.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& secret : *secrets) {
    rows.push_back({{"cluster", secret.cluster},
                    {"name", secret.name},
                    {"version", secret.version},
                    {"createdAt", secret.created_at}});
  }
  return json_response({{"secrets", rows}});
}

Result<Response> put_secret(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& cluster = request.parameters.at("cluster");
  const std::string& name = request.parameters.at("name");
  std::string encoded;
  auto read =
      read_json_body("secret", request, [&](JsonObject& root) { root.text("value", encoded); });
  if (!read) return pass(read.error());
  const auto value = base64_decode(encoded);
  if (!value) return fail(ErrorKind::invalid, "secret: /value: expected base64");
  const auto version = set_secret(rooms.store, rooms.sealing, cluster, name, *value, caller.text(),
                                  rooms.enrolment.now());
  if (!version) return pass(version.error());
  spdlog::info("{}: set secret {}/{} version {}", caller.text(), cluster, name, *version);
  // Set before the first publication, or for one that is no more: who set it is to see which.
  const auto there = rooms.store.get(kinds::cluster, cluster);
  if (!there && there.error().kind != ErrorKind::not_found) return pass(there.error());
  return json_response({{"cluster", cluster},
                        {"name", name},
                        {"version", *version},
                        {"published", there.has_value()}});
}

Result<Response> delete_secret(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& cluster = request.parameters.at("cluster");
  const std::string& name = request.parameters.at("name");
  const auto removed =
      remove_secret(rooms.store, cluster, name, caller.text(), rooms.enrolment.now());
  if (!removed) return pass(removed.error());
  spdlog::info("{}: removed secret {}/{}", caller.text(), cluster, name);
  // It is removed: what cannot be looked at now, `revision list` tells.
  const auto needed = secrets_of_revisions(rooms.store, cluster,
                                           [&](const std::string& one) { return one == name; });
  nlohmann::json revisions = nlohmann::json::array();
  if (needed) {
    for (const auto& [number, names] : *needed) revisions.push_back(number);
  }
  return json_response({{"cluster", cluster}, {"name", name}, {"neededBy", std::move(revisions)}});
}

}  // namespace muster::handlers
