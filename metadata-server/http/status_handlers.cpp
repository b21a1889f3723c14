#include <algorithm>
#include <map>

#include "enrolment/ban.hpp"
#include "enrolment/pending.hpp"
#include "fleet/disk_wipes.hpp"
#include "fleet/etcd_orders.hpp"
#include "fleet/machine_trouble.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/network_starts.hpp"
#include "fleet/node_state.hpp"
#include "fleet/standing.hpp"
#include "fleet/unread_records.hpp"
#include "fleet/vanished.hpp"
#include "http/backup_value.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "publish/releases.hpp"
#include "records/drain.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {
namespace {

constexpr std::size_t rows_told = 3;  // of the worst machines, and of strangers

Response plain(std::string text, int status = 200) {
  Response response = text_response(std::move(text), status);
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

// What is decided and not published yet, by cluster.
Result<std::map<std::string, nlohmann::json>> owed_publications(const Rooms& rooms) {
  const auto owed = rooms.publisher.owed();
  if (!owed) return pass(owed.error());
  std::map<std::string, nlohmann::json> rows;
  const std::int64_t now = unix_seconds(rooms.enrolment.now());
  for (const OwedPublication& row : *owed) {
    rows[row.mark.cluster] = {{"since", row.mark.since},
                              {"seconds", std::max<std::int64_t>(0, now - row.mark.since)},
                              {"why", row.mark.why},
                              {"by", row.mark.by},
                              {"awaitsSignature", row.awaits_signature},
                              {"refused", row.refused}};
  }
  return rows;
}

// Members that will be removed for their silence, machines that are being drained, masters' turns.
Result<void> add_departures(const Rooms& rooms, const std::string& cluster,
                            const ServedCluster& served, nlohmann::json& row) {
  int vanishing = 0;
  for (const auto& [node, answer] : served.documents) {
    if (vanishes_at(rooms, {cluster, node})) ++vanishing;
  }
  const auto drains = list_drains(rooms.store, cluster);
  if (!drains) return pass(drains.error());
  const auto turns = turns_of(rooms, cluster);
  if (!turns) return pass(turns.error());
  const auto states = NodeStates::gather(rooms, cluster);
  if (!states) return pass(states.error());
  nlohmann::json ordered = nlohmann::json::array();
  for (const auto& found : *drains) {
    const std::string& node = found.record.node;
    ordered.push_back({{"node", node}, {"phase", states->drain(node)["phase"]}});
  }
  row["drains"] = ordered;
  row["turns"] = *turns;
  const auto reinitialisation = reinitialisation_of(rooms, cluster);
  if (!reinitialisation) return pass(reinitialisation.error());
  row["reinitialisation"] = *reinitialisation;
  row["vanishing"] = vanishing;
  row["draining"] = drains->size();
  return {};
}

Result<nlohmann::json> cluster_row(const Rooms& rooms, const std::string& name,
                                   const ServedCluster& cluster) {
  const auto machines = list_machines(rooms.store, name);
  if (!machines) return pass(machines.error());
  std::map<Standing, int> counts;
  int unwell = 0, two_histories = 0;
  nlohmann::json bans = nlohmann::json::array(), replacements = bans, converges = bans,
                 failed_starts = bans, reprovisions = bans, wipes = bans;
  const TimePoint now = rooms.enrolment.now();
  // Of those, too, that the cluster has no more.
  for (const auto& [node, machine] : *machines)
    if (machine.ban) bans.push_back({{"node", node}, {"reason", machine.ban->reason}});
  for (const auto& [node, answer] : cluster.documents) {
    const HeardMachine heard = rooms.reports.find({name, node});
    const auto found = machines->find(node);
    const FoundMachine& machine = found == machines->end() ? FoundMachine() : found->second;
    const MachineRecord& record = machine.record;
    const std::int64_t silence = rooms.reports.silence_of({name, node}, now, record.enrolled_at);
    const Standing standing = standing_of(heard, machine, answer->digest(), silence);
    ++counts[standing];
    if (record.replace_ordered)
      replacements.push_back({{"node", node}, {"orderedAt", record.replace_ordered_at}});
    if (record.converge_ordered)
      converges.push_back({{"node", node}, {"orderedAt", record.converge_ordered_at}});
    if (const auto alarm = start_alarm(rooms, {name, node}); !alarm.empty())
      failed_starts.push_back({{"node", node}, {"reason", alarm}});
    const BootRecord boot = rooms.boots.find({name, node});
    if (boot.reprovision_at != 0)
      reprovisions.push_back(
          {{"node", node}, {"orderedAt", boot.reprovision_at / microseconds_per_second}});
    if (is_wipe_open(boot, now))
      wipes.push_back({{"node", node}, {"orderedAt", boot.wipe_at / microseconds_per_second}});
    const bool is_heard =
        standing != Standing::silent && standing != Standing::banned && standing != Standing::reset;
    if (!is_heard || !heard.report) continue;
    if (!heard.report->unwell.empty()) ++unwell;
    if (knows_two_histories(*heard.report, cluster, node)) ++two_histories;
  }
  for (auto* list : {&bans, &replacements, &converges, &failed_starts, &reprovisions, &wipes})
    std::sort(list->begin(), list->end());
  return nlohmann::json{{"cluster", name},
                        {"revision", cluster.revision},
                        {"revisionNumber", cluster.revision_number},
                        {"content", cluster.content},
                        {"machines", cluster.documents.size()},
                        {"converged", counts[Standing::converged]},
                        {"converging", counts[Standing::converging]},
                        {"pendingChanges", counts[Standing::pending]},
                        {"failed", counts[Standing::failed]},
                        {"unwell", unwell},
                        {"twoHistories", two_histories},
                        {"silent", counts[Standing::silent]},
                        {"reset", counts[Standing::reset]},
                        {"neverEnrolled", counts[Standing::never_enrolled]},
                        {"banned", counts[Standing::banned]},
                        {"bans", bans},
                        {"replacements", replacements},
                        {"converges", converges},
                        {"failedStarts", failed_starts},
                        {"reprovisions", reprovisions},
                        {"diskWipes", wipes}};
}

Result<nlohmann::json> incomplete_rows(const Rooms& rooms) {
  const auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  const auto unread = unread_releases(rooms.store);
  if (!unread) return pass(unread.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& release : *unread)
    rows.push_back(
        {{"name", release.name}, {"version", release.version}, {"unread", release.unread}});
  for (const auto& release : incomplete_releases(*catalogue, rooms.artifacts)) {
    rows.push_back({{"name", release.name},
                    {"version", release.version},
                    {"missing", release.missing},
                    {"files", release.files}});
  }
  return rows;
}

Result<nlohmann::json> unread_rows(const Rooms& rooms) {
  const auto unread = unread_records(rooms.store);
  if (!unread) return pass(unread.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& row : *unread)
    rows.push_back(
        {{"kind", row.kind}, {"name", row.name}, {"reason", row.reason}, {"cure", row.cure}});
  return rows;
}

nlohmann::json quarantined(const Rooms& rooms) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& row : rooms.quarantine.all())
    rows.push_back({{"cluster", row.cluster}, {"reason", row.reason}, {"cure", row.cure}});
  return rows;
}

// A cluster of which a record of its machines, drains or masters cannot be read: the others are
// told all the same.
Result<nlohmann::json> whole_row(const Rooms& rooms, const std::string& name,
                                 const ServedCluster& cluster) {
  auto row = cluster_row(rooms, name, cluster);
  if (!row) return row;
  if (auto added = add_departures(rooms, name, cluster, *row); !added) return pass(added.error());
  return row;
}

nlohmann::json unread_row(const std::string& name, const ServedCluster& cluster, const Error& error,
                          const std::string& cure) {
  return {{"cluster", name},
          {"revision", cluster.revision},
          {"revisionNumber", cluster.revision_number},
          {"content", cluster.content},
          {"machines", cluster.documents.size()},
          {"unread", {{"reason", error.message}, {"cure", cure}}}};
}

nlohmann::json background_tasks(const Rooms& rooms) {
  nlohmann::json rows = nlohmann::json::array();
  for (const TaskStatus& task : rooms.tasks.all()) {
    rows.push_back({{"name", task.name},
                    {"intervalSeconds", static_cast<double>(task.interval.count()) / 1000},
                    {"runs", task.runs},
                    {"failures", task.failures},
                    {"failuresInRow", task.failures_in_row},
                    {"lastError", task.last_error},
                    {"lastErrorAt", task.last_error_at},
                    {"lastSeconds", static_cast<double>(task.took.count()) / 1000},
                    {"runningSeconds", static_cast<double>(task.running.count()) / 1000}});
  }
  return rows;
}

nlohmann::json servers(const Rooms& rooms) {
  const auto trust = rooms.site.trust();
  const ServerAddresses& addresses = trust->list.servers;
  return {{"boot", addresses.boot}, {"enrol", addresses.enrol}, {"node", addresses.node}};
}

}  // namespace

Result<Response> get_healthz(const Rooms&, const Caller&, const Request&) {
  return plain("ok\n");
}

Result<Response> get_readyz(const Rooms& rooms, const Caller&, const Request&) {
  const auto site = rooms.store.get(kinds::site, kinds::site_settings_key);
  if (!site) {
    return fail(ErrorKind::unavailable, "store_unavailable",
                "the store does not answer: " + site.error().message);
  }
  const auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  auto incomplete = unread_releases(rooms.store);
  if (!incomplete) return pass(incomplete.error());
  for (auto& release : incomplete_releases(*catalogue, rooms.artifacts))
    incomplete->push_back(std::move(release));
  if (incomplete->empty()) return plain("ok\n");
  return fail(ErrorKind::unavailable, "artifacts_missing", to_text(*incomplete));
}

Result<Response> get_metrics(const Rooms& rooms, const Caller&, const Request&) {
  Response response = text_response(rooms.metrics.text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Result<Response> get_site(const Rooms& rooms, const Caller&, const Request&) {
  return json_response({{"pin", rooms.site.site()},
                        {"servers", servers(rooms)},
                        {"trustVersion", rooms.site.trust()->list.version}});
}

Result<Response> get_status(const Rooms& rooms, const Caller&, const Request&) {
  const auto owed = owed_publications(rooms);
  if (!owed) return pass(owed.error());
  nlohmann::json clusters = nlohmann::json::array();
  for (const auto& name : rooms.current.clusters()) {
    const auto cluster = rooms.current.cluster(name);
    if (!cluster) continue;
    auto row = whole_row(rooms, name, *cluster);
    if (!row && is_store_away(row.error())) return pass(row.error());
    if (!row) {
      const auto cure = cure_of_unread(rooms.store, name);
      if (!cure) return pass(cure.error());
      row = unread_row(name, *cluster, row.error(), *cure);
    }
    clusters.push_back(std::move(*row));
    const auto due = owed->find(name);
    clusters.back()["due"] = due == owed->end() ? nlohmann::json(nullptr) : due->second;
    clusters.back()["awaitsSignature"] =
        due != owed->end() && due->second["awaitsSignature"].get<bool>();
    if (const auto left = rooms.ends.left(name, unix_seconds(rooms.enrolment.now())))
      clusters.back()["secondsLeft"] = left->count();
  }
  const auto pending = list_pending(rooms.enrolment);
  if (!pending) return pass(pending.error());
  const auto waiting = std::count_if(pending->begin(), pending->end(), [](const auto& machine) {
    return machine.approved.node.empty();
  });
  const auto troubles = MachineTroubles::gather_for_all(rooms);
  if (!troubles) return pass(troubles.error());
  const auto incomplete = incomplete_rows(rooms);
  if (!incomplete) return pass(incomplete.error());
  const auto unread = unread_rows(rooms);
  if (!unread) return pass(unread.error());
  const auto backup = backup_status(*rooms.backup, rooms.store, expected_now(rooms.enrolment));
  if (!backup) return pass(backup.error());
  const auto sealed = sealed_clusters(rooms.store);
  if (!sealed) return pass(sealed.error());
  return json_response({{"site", rooms.site.site()},
                        {"servers", servers(rooms)},
                        {"clusters", clusters},
                        {"clock", to_value(rooms.clock.status())},
                        {"quarantined", quarantined(rooms)},
                        {"backup", to_value(*backup)},
                        {"sealed", *sealed},
                        {"backgroundTasks", background_tasks(rooms)},
                        {"worst", troubles->worst(rows_told)},
                        {"strangers", troubles->strangers(rows_told)},
                        {"incompleteReleases", *incomplete},
                        {"unreadRecords", *unread},
                        {"pendingApprovals", waiting},
                        {"time", unix_seconds(rooms.enrolment.now())}});
}

}  // namespace muster::handlers
