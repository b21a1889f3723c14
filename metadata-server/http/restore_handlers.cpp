#include "artifact/catalogue.hpp"
#include "backup/open_cluster.hpp"
#include "fleet/unread_records.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "publish/releases.hpp"
#include "records/seal.hpp"

namespace muster::handlers {
namespace {

nlohmann::json to_value(const SealedCluster& sealed) {
  nlohmann::json heard = nlohmann::json::array(), secrets = heard;
  for (const auto& learned : sealed.heard)
    heard.push_back({{"node", learned.node},
                     {"heardAt", learned.heard_at},
                     {"master", learned.is_master},
                     {"generation", learned.generation},
                     {"peersGeneration", learned.peers_generation},
                     {"trustVersion", learned.trust_version},
                     {"refused", learned.refused}});
  for (const auto& secret : sealed.newer_secrets)
    secrets.push_back({{"name", secret.name},
                       {"held", secret.held},
                       {"known", secret.known},
                       {"node", secret.node}});
  nlohmann::json disputed = nlohmann::json::array();
  for (const auto& [node, newest, rival] : sealed.disputed)
    disputed.push_back({{"node", node}, {"keys", {newest, rival}}});
  return {{"cluster", sealed.name},
          {"heard", heard},
          {"disputed", disputed},
          {"unheard", sealed.unheard},
          {"masterHeard", sealed.has_master_heard},
          {"unheardMasters", sealed.unheard_masters},
          {"newerSecrets", secrets},
          {"lost", sealed.lost},
          {"unknown", sealed.unknown},
          {"banned", sealed.banned},
          {"generation", sealed.highest_generation}};
}

// What no machine can tell.
nlohmann::json asks(const Restored& restored) {
  const std::string since = restored.backup_at == 0 ? "this copy was made" : "the backup was made";
  return {
      fmt::format(
          "machines that were removed since {}: they are here again; muster node remove NAME, or muster ban NAME",
          since),
      fmt::format("clusters that ended since {}: they are here again; muster cluster delete NAME",
                  since),
      fmt::format(
          "operators who were revoked since {}: they are operators again; muster operator revoke NAME",
          since)};
}

}  // namespace

Result<Response> get_restore(const Rooms& rooms, const Caller&, const Request&) {
  const auto restored = find_restored(rooms.store);
  // It says when; what is sealed and what machines showed is said without it.
  const bool is_unread = !restored && restored.error().kind == ErrorKind::corrupt;
  if (!restored && !is_unread) return pass(restored.error());
  const auto names = sealed_clusters(rooms.store);
  if (!names) return pass(names.error());
  nlohmann::json clusters = nlohmann::json::array(), missing = clusters;
  for (const auto& name : *names) {
    const auto sealed = look_at_sealed(rooms, name);
    // Of one cluster: the others are told all the same.
    if (!sealed && sealed.error().kind == ErrorKind::corrupt) {
      clusters.push_back({{"cluster", name}, {"unread", with_cure(rooms, sealed.error()).message}});
      continue;
    }
    if (!sealed) return pass(sealed.error());
    clusters.push_back(to_value(*sealed));
  }
  const auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  for (const auto& release : incomplete_releases(*catalogue, rooms.artifacts))
    missing.push_back(fmt::format("{} {}", release.name, release.version));
  const Restored known = is_unread ? Restored() : restored->value_or(Restored());
  const auto lost = lost_clusters(rooms.store);
  if (!lost) return pass(lost.error());
  nlohmann::json gone = nlohmann::json::array();
  for (const auto& [cluster, machines] : *lost)
    gone.push_back({{"cluster", cluster}, {"machines", machines}});
  return json_response({{"restoredAt", known.at},
                        {"backupAt", known.backup_at},
                        {"epoch", known.epoch},
                        {"unread", is_unread ? restored.error().message : ""},
                        {"clusters", clusters},
                        {"lostClusters", gone},
                        {"missingArtifacts", missing},
                        {"asks", names->empty() ? nlohmann::json::array() : asks(known)}});
}

Result<Response> post_restore_open(const Rooms& rooms, const Caller& caller,
                                   const Request& request) {
  OpenOrder order;
  order.cluster = request.parameters.at("cluster");
  order.by = caller.text();
  auto read = read_json_body("open", request, [&](JsonObject& root) {
    root.flag("unheard", order.unheard, Need::optional);
    root.flag("members", order.members, Need::optional);
    root.flag("drop", order.drop, Need::optional);
  });
  if (!read) return pass(read.error());
  const auto notes = open_cluster(rooms, order, rooms.backup->addresses);
  if (!notes) return pass(notes.error());
  return json_response({{"cluster", order.cluster}, {"notes", *notes}});
}

Result<Response> post_held(const Rooms& rooms, const Caller&, const Request& request) {
  const auto held = parse_held(request.body);
  if (!held) return pass(held.error());
  const auto learned = take_held(rooms.enrolment, rooms.site, *request.peer.certificate, *held);
  if (!learned) return pass(learned.error());
  return json_response({{"taken", learned->refused.empty()}});
}

}  // namespace muster::handlers
