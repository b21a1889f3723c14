#include "fleet/known_clusters.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "http/rooms.hpp"
#include "inventory/problems_json.hpp"
#include "publish/releases.hpp"
#include "publish/revision_difference.hpp"
#include "publish/secrets_of_revisions.hpp"
#include "publish/todays_facts.hpp"
#include "records/seal.hpp"

namespace muster {
namespace {

nlohmann::json change_json(const MachineChange& change) {
  return {{"cluster", change.cluster},   {"node", change.node},
          {"change", name(change.kind)}, {"differences", change.differences},
          {"effects", change.effects},   {"cost", name(change.cost)}};
}

}  // namespace

Result<Response> refused_response(const PublishRefusal& refusal, const Request& request) {
  const auto& [error, problems, is_lost] = refusal;
  if (problems.empty()) return pass(error);
  return json_response({{"kind", "inventory"},
                        {"message", error.message},
                        {"problems", problems_json(problems)},
                        {"requestId", request.id}},
                       400);
}

Result<Response> publication_response(const Rooms& rooms,
                                      const Published<PublishOutcome>& published,
                                      const Request& request) {
  if (!published) return refused_response(published.error(), request);
  nlohmann::json changes = nlohmann::json::array();
  std::size_t unchanged = 0;  // of which there is nothing to tell
  for (const auto& change : published->changes) {
    const auto heard = rooms.reports.find({change.cluster, change.node});
    const std::string why =
        heard.report ? too_old(*heard.report, change.needs, change.node) : std::string();
    if (change.kind == MachineChange::Kind::unchanged && why.empty()) {
      ++unchanged;
      continue;
    }
    auto& row = changes.emplace_back(change_json(change));
    if (!why.empty()) row["agentTooOld"] = why;
  }
  nlohmann::json upgrades = nlohmann::json::array();
  for (const auto& [cluster, release] : published->upgrades) {
    upgrades.push_back({{"cluster", cluster},
                        {"release", release.name},
                        {"from", release.from},
                        {"to", release.to}});
  }
  nlohmann::json notes = published->notes;
  const auto sealed = sealed_clusters(rooms.store);
  if (!sealed) return pass(sealed.error());
  for (const std::string& cluster : *sealed) {
    if (!published->revisions.contains(cluster)) continue;
    notes.push_back(fmt::format(
        "cluster '{0}': sealed since its server was restored: its machines are served nothing of it before `muster restore open {0}` (`muster restore status`)",
        cluster));
  }
  nlohmann::json answer = {{"revisions", published->revisions},
                           {"basedOn", published->based_on},
                           {"changes", std::move(changes)},
                           {"upgrades", upgrades},
                           {"unchanged", unchanged},
                           {"warnings", problems_json(published->warnings)},
                           {"notes", std::move(notes)},
                           {"numbers", published->numbers},
                           {"contents", published->contents},
                           {"written", published->is_written}};
  if (published->revisions.size() == 1) {
    answer["revision"] = published->revisions.begin()->second;
    answer["number"] = published->numbers.begin()->second;
  }
  return json_response(answer);
}

namespace handlers {

Result<Response> post_apply(const Rooms& rooms, const Caller& caller, const Request& request) {
  PublishRequest order;
  order.actor = caller.text();
  auto read = read_json_body("apply request", request, [&](JsonObject& root) {
    root.texts("clusters", order.clusters);
    root.text_map("files", order.files);
    root.text_map("basedOn", order.based_on, Need::optional);
    root.flag("onCurrent", order.on_current, Need::optional);
    root.flag("remove", order.remove, Need::optional);
    root.texts("upgrade", order.upgrades, Need::optional);
    root.flag("dryRun", order.dry_run, Need::optional);
    root.object(
        "signatures",
        [&](JsonObject& clusters) {
          for (const std::string& cluster : clusters.fields()) {
            clusters.object(cluster, [&](JsonObject& signatures) {
              muster::read(signatures, order.signatures[cluster]);
            });
          }
        },
        Need::optional);
  });
  if (!read) return pass(read.error());
  return publication_response(rooms, publish(rooms.publishing, order), request);
}

Result<Response> get_revision_diff(const Rooms& rooms, const Caller&, const Request& request) {
  std::map<std::string, std::string> wanted;
  for (const char* field : {"cluster", "from", "to"}) {
    const auto value = query_text(request, field, Need::required);
    if (!value) return pass(value.error());
    wanted[field] = *value;
  }
  if (auto known = check_known(rooms, wanted["cluster"]); !known) return pass(known.error());
  const auto difference =
      diff_revisions(rooms.store, rooms.current, wanted["cluster"], wanted["from"], wanted["to"]);
  if (!difference) return refused_response(difference.error(), request);
  const auto head = [](const Revision& revision) -> nlohmann::json {
    return {{"number", revision.number}, {"revision", revision.digest}};
  };
  nlohmann::json changes = nlohmann::json::array();
  for (const auto& change : difference->changes) changes.push_back(change_json(change));
  return json_response({{"from", head(difference->from)},
                        {"to", head(difference->to)},
                        {"changes", changes},
                        {"notes", difference->notes}});
}

Result<Response> get_revisions(const Rooms& rooms, const Caller&, const Request& request) {
  const auto cluster = query_text(request, "cluster", Need::required);
  if (!cluster) return pass(cluster.error());
  if (auto known = check_known(rooms, *cluster); !known) return pass(known.error());
  const auto revisions = list_revisions(rooms.store, *cluster);
  if (!revisions) return pass(revisions.error());
  const auto missing = missing_secrets(rooms.store, *cluster);
  if (!missing) return pass(missing.error());
  const auto current = rooms.current.cluster(*cluster);
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& revision : *revisions) {
    rows.push_back({{"number", revision.number},
                    {"revision", revision.digest},
                    {"time", revision.published_at},
                    {"actor", revision.actor},
                    {"rollbackOf", revision.rollback_of},
                    {"cause", revision.cause},
                    {"content", revision.content},
                    {"machines", revision.machines}});
    // Of a publication, what its revision needs.
    const auto found = missing->find(revision.content == 0 ? revision.number : revision.content);
    rows.back()["missingSecrets"] =
        found == missing->end() ? nlohmann::json::array() : nlohmann::json(found->second);
  }
  return json_response({{"cluster", *cluster},
                        {"current", current ? current->revision : std::string()},
                        {"revisions", rows}});
}

Result<Response> post_rollback(const Rooms& rooms, const Caller& caller, const Request& request) {
  RollbackRequest order;
  order.actor = caller.text();
  auto read = read_json_body("rollback request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.text("revision", order.revision);
    root.flag("remove", order.remove, Need::optional);
    root.flag("dryRun", order.dry_run, Need::optional);
  });
  if (!read) return pass(read.error());
  if (auto known = check_known(rooms, order.cluster); !known) return pass(known.error());
  return publication_response(rooms, roll_back(rooms.publishing, order), request);
}

Result<Response> get_site_facts(const Rooms& rooms, const Caller&, const Request& request) {
  const auto cluster = query_text(request, "cluster", Need::required);
  if (!cluster) return pass(cluster.error());
  auto facts = preview_facts(rooms.publishing, *cluster);
  if (!facts) return pass(facts.error());
  const auto counted = count_missing(rooms.store, rooms.artifacts, facts->catalogue);
  if (!counted) return pass(counted.error());
  facts->identity_regions.emplace();
  for (const AwsRegion& region : rooms.enrolment.regions)
    facts->identity_regions->push_back(region.name);
  return text_response(to_json(*facts));
}

Result<Response> post_signing(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto prepared =
      prepare_signing(rooms.publishing, request.parameters.at("cluster"), caller.text());
  if (!prepared) return pass(prepared.error());
  return json_response({{"facts", nlohmann::json::parse(to_json(prepared->facts), nullptr, false)},
                        {"generation", prepared->generation}});
}

}  // namespace handlers
}  // namespace muster
