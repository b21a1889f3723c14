#include "publish/publish.hpp"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <set>

#include "document/time_text.hpp"
#include "inventory/missing_files.hpp"
#include "publish/based_on.hpp"
#include "publish/cluster_publication.hpp"
#include "publish/publication_number.hpp"
#include "publish/secrets_of_revisions.hpp"
#include "publish/todays_facts.hpp"
#include "publish/upgrade_names.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/schedule.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

namespace {

// Each one that is lost is one of somebody else that went through.
constexpr int attempts_at_most = 20;

// A machine that enrols, or a ban, meanwhile is no reason to refuse an operator: what it rests on
// is read anew, until it is not lost. `attempt` is told whether one was: machines that join all the
// time would overtake each.
template <class Attempt>
Published<PublishOutcome> try_again(const Attempt& attempt) {
  for (int count = 1;; ++count) {
    auto published = attempt(count > 1);
    if (published || !published.error().is_lost || count == attempts_at_most) return published;
  }
}

// The commit fails where the server makes such a cluster meanwhile.
Result<void> check_not_on_demand(const Store& store, const std::string& name,
                                 Transaction& transaction) {
  const auto record = store.get(kinds::on_demand, name);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  transaction.expect(kinds::on_demand, name, 0);
  if (!record) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "cluster '{}': made on demand, and the server's own until it expires. Take another name, or end it with `muster cluster delete`.",
          name));
}

// The facts of today, for a publication that then owes nothing: whoever changes any of them marks
// the cluster as due, and its commit fails. `insists`: it does not, and the mark stays, so that
// what was changed meanwhile is published next.
Result<SiteFacts> guarded_facts(const PublishContext& context, const ClusterRecord& record,
                                const Inventory& inventory, Transaction& transaction,
                                bool insists = false) {
  const auto due = find_due(context.store, record.name);
  if (!due) return pass(due.error());
  if (record.revision_number == 0) {
    if (auto swept = expect_swept(context.store, record.name, transaction); !swept)
      return pass(swept.error());
  }
  if (*due && !insists) clear_due(**due, transaction);
  if (!*due && !insists) transaction.expect(kinds::due, record.name, 0);
  return facts_of_today(context, record, &inventory, transaction);
}

// Nothing is owed any more; who marked it again meanwhile is owed the next publication.
Result<void> clear(Store& store, const DueMark& mark) {
  Transaction transaction;
  clear_due(mark, transaction);
  auto cleared = store.commit(transaction);
  if (!cleared && cleared.error().kind != ErrorKind::conflict) return pass(cleared.error());
  return {};
}

// One cluster's record that cannot be read is no reason for the others of the folder to wait.
Error of_cluster(const std::string& name, const std::vector<std::string>& clusters, Error error) {
  if (error.kind != ErrorKind::corrupt) return error;
  if (!error.message.starts_with(fmt::format("cluster '{}'", name)))
    error.message = fmt::format("cluster '{}': {}", name, error.message);
  if (clusters.size() > 1)
    error.message += fmt::format(
        "; nothing of the folder was published: until it is cured, apply the others from a folder without cluster '{}'",
        name);
  return error;
}

Error nothing_published(Error error) {
  if (error.kind == ErrorKind::conflict)
    error.message +=
        ". Somebody changed it while this was being published, and nothing was. See what is there now with `muster diff`, then do it again.";
  return error;
}

void log_names(const ClusterPublication& publication) {
  if (!spdlog::should_log(spdlog::level::debug)) return;
  for (const MachineChange& change : publication.changes) {
    if (change.kind != MachineChange::Kind::unchanged)
      spdlog::debug("{}/{}: {}", change.cluster, change.node, name(change.kind));
  }
}

Published<PublishOutcome> finish(const PublishContext& context, Transaction& transaction,
                                 std::vector<ClusterPublication> publications, bool dry_run) {
  PublishOutcome outcome;
  bool is_changed = false;
  for (auto& publication : publications) {
    is_changed = is_changed || publication.is_changed;
    outcome.revisions[publication.cluster] = publication.revision;
    outcome.numbers[publication.cluster] = publication.number;
    outcome.contents[publication.cluster] = publication.content;
    if (!dry_run && publication.is_changed) log_names(publication);
    std::move(publication.notes.begin(), publication.notes.end(),
              std::back_inserter(outcome.notes));
    std::move(publication.changes.begin(), publication.changes.end(),
              std::back_inserter(outcome.changes));
    for (const auto& release : publication.upgrades)
      outcome.upgrades.push_back({publication.cluster, release});
    outcome.warnings = std::move(publication.warnings);  // of the whole inventory, each the same
  }
  if (dry_run || !is_changed) return outcome;
  outcome.is_written = true;
  const auto committed = context.store.commit(transaction);
  if (!committed) {
    auto refusal = refused(nothing_published(committed.error()));
    refusal.is_lost = committed.error().kind == ErrorKind::conflict;
    return tl::unexpected(std::move(refusal));
  }
  for (const auto& publication : publications) {
    if (publication.is_changed) spdlog::info("{}", publication.told);
    if (publication.written) context.memory->remember(*committed, publication.written);
  }
  return outcome;
}

std::vector<ClusterPublication> one(ClusterPublication publication) {
  std::vector<ClusterPublication> publications;
  publications.push_back(std::move(publication));
  return publications;
}

std::vector<std::string> clusters_of(const PublishRequest& request, const Inventory& inventory) {
  std::set<std::string> names(request.clusters.begin(), request.clusters.end());
  if (names.empty()) {
    for (const auto& [name, cluster] : inventory.clusters) names.insert(name);
  }
  return {names.begin(), names.end()};
}

// The content of a revision under today's facts.
Published<PublishOutcome> publish_revision(const PublishContext& context, FoundCluster found,
                                           const ReadRevision& read, const RollbackRequest& request,
                                           const std::string& action, std::string cause = {},
                                           bool insists = false) {
  const Revision& revision = read.revision;
  Transaction transaction;
  auto facts = guarded_facts(context, found.record, *read.inventory, transaction, insists);
  if (!facts) return tl::unexpected(refused(facts.error()));
  facts->catalogue = revision.facts.catalogue;
  std::vector<std::string> notes;
  auto secrets = secrets_to_go_back_to(context.store, found.record.name, revision.facts.secrets,
                                       facts->secrets, notes);
  if (!secrets) return tl::unexpected(refused(secrets.error()));
  facts->secrets = std::move(*secrets);
  facts->pins = revision.facts.pins;
  facts->upgrades = revision.facts.upgrades;
  const std::uint64_t rollback_of = action == "rolled-back" ? revision.number : 0;
  const ClusterInput input{read.inventory,
                           revision.files,
                           std::move(found),
                           std::move(*facts),
                           request.actor,
                           action,
                           request.remove,
                           rollback_of,
                           request.dry_run,
                           nullptr,
                           revision.instance_masters,
                           action == "republished" ? revision.number : 0,
                           std::move(cause)};
  auto publication = prepare_publication(context, input, transaction);
  if (!publication) return tl::unexpected(std::move(publication.error()));
  std::move(notes.begin(), notes.end(), std::back_inserter(publication->notes));
  return finish(context, transaction, one(std::move(*publication)), request.dry_run);
}

// `based_on`: as the request has it, and what this learns.
Published<PublishOutcome> publish_once(const PublishContext& context, const PublishRequest& request,
                                       std::map<std::string, std::string>& based_on, bool insists) {
  const auto releases = context.release_flags ? context.release_flags() : ReleaseFlags{};
  const auto loaded = context.memory->load(request.files, releases);
  if (!loaded) return tl::unexpected(refused(loaded.error()));
  const std::shared_ptr<const Inventory>& inventory = *loaded;
  Transaction transaction;
  std::vector<ClusterPublication> publications;
  const auto clusters = clusters_of(request, *inventory);
  std::vector<PublicationTurn> turns;
  for (const auto& name : clusters)
    if (insists) turns.push_back(context.memory->turn(name));
  std::vector<InventoryProblem> missing;
  std::vector<InventoryProblem> problems = check_upgrades(request.upgrades, clusters, *inventory);
  for (const auto& name : clusters) {
    if (!request.signatures.empty() && !request.signatures.contains(name)) {
      return tl::unexpected(
          refused({ErrorKind::invalid,
                   fmt::format("signatures: expected those of cluster '{}', found none", name)}));
    }
    if (!inventory->clusters.contains(name)) {
      problems.push_back(
          {"clusters", 0, 0, {}, fmt::format("a Cluster named '{}'", name), "none", {}});
      continue;
    }
    auto found = context.memory->cluster(context.store, name);
    if (!found) return tl::unexpected(refused(of_cluster(name, clusters, found.error())));
    auto free = check_not_on_demand(context.store, name, transaction);
    if (!free) return tl::unexpected(refused(free.error()));
    const std::string base = request.on_current ? found->record.revision : std::string();
    const auto [known, is_new] = based_on.try_emplace(name, base);
    auto based =
        check_based_on(context.store, found->record, known->second, !request.signatures.empty());
    if (!based) return tl::unexpected(refused(of_cluster(name, clusters, based.error())));
    auto facts = guarded_facts(context, found->record, *inventory, transaction, insists);
    if (!facts) return tl::unexpected(refused(of_cluster(name, clusters, facts.error())));
    facts->upgrades = request.upgrades;
    ClusterInput input{inventory,      request.files, std::move(*found), std::move(*facts),
                       request.actor,  "published",   request.remove,    0,
                       request.dry_run};
    if (!request.signatures.empty()) input.signatures = &request.signatures.at(name);
    auto publication = prepare_publication(context, input, transaction);
    if (publication) {
      const auto counted =
          context.count_missing ? context.count_missing(publication->releases) : Result<void>();
      if (!counted) return tl::unexpected(refused(counted.error()));
      const auto lost = missing_files(inventory->clusters.at(name), publication->releases);
      missing.insert(missing.end(), lost.begin(), lost.end());
      publications.push_back(std::move(*publication));
    } else if (publication.error().problems.empty()) {
      publication.error().error = of_cluster(name, clusters, std::move(publication.error().error));
      return tl::unexpected(std::move(publication.error()));
    } else {
      problems.insert(problems.end(), publication.error().problems.begin(),
                      publication.error().problems.end());
    }
  }
  if (!problems.empty()) return tl::unexpected(refused(std::move(problems)));
  auto outcome = finish(context, transaction, std::move(publications), request.dry_run);
  if (!outcome) return outcome;
  outcome->based_on = based_on;
  outcome->warnings.insert(outcome->warnings.end(), missing.begin(), missing.end());
  return outcome;
}

// What it took, twice what is served, is the system's again: malloc would keep it for the next one.
bool changes_many(const PublishOutcome& outcome) {
  constexpr auto many = 1000;
  return std::count_if(outcome.changes.begin(), outcome.changes.end(), [](const auto& change) {
           return change.kind != MachineChange::Kind::unchanged;
         }) > many;
}
}  // namespace

TimePoint earliest_now(const PublishContext& context) {
  return context.earliest_now ? context.earliest_now() : context.now();
}

TimePoint latest_now(const PublishContext& context) {
  return context.latest_now ? context.latest_now() : context.now();
}

Published<PublishOutcome> publish(const PublishContext& context, const PublishRequest& request) {
  auto based_on = request.based_on;
  auto published =
      try_again([&](bool insists) { return publish_once(context, request, based_on, insists); });
  if (published && changes_many(*published)) ::malloc_trim(0);
  return published;
}

Published<PublishOutcome> publish_instance(const PublishContext& context,
                                           const InstanceRequest& request,
                                           Transaction transaction) {
  Revision revision;
  revision.cluster = request.cluster;
  revision.files = request.files;
  revision.instance_masters = request.masters;
  auto inventory = inventory_of(revision);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  auto found = find_cluster(context.store, request.cluster);
  if (!found) return tl::unexpected(refused(found.error()));
  if (found->version != 0) {
    return tl::unexpected(refused(
        {ErrorKind::conflict,
         fmt::format("cluster '{}': there is one of that name; take another", request.cluster)}));
  }
  auto facts = guarded_facts(context, found->record, *inventory, transaction);
  if (!facts) return tl::unexpected(refused(facts.error()));
  ClusterInput input{std::make_shared<const Inventory>(std::move(*inventory)),
                     request.files,
                     std::move(*found),
                     std::move(*facts),
                     request.actor,
                     "published",
                     false,
                     0};
  input.instance_masters = request.masters;
  auto publication = prepare_publication(context, input, transaction);
  if (!publication) return tl::unexpected(std::move(publication.error()));
  return finish(context, transaction, one(std::move(*publication)), false);
}

namespace {
// `base`: the operator's revision that was current when this was looked at first.
Published<PublishOutcome> roll_back_once(const PublishContext& context,
                                         const RollbackRequest& request,
                                         std::optional<std::uint64_t>& base, bool insists) {
  const auto turn = insists ? context.memory->turn(request.cluster) : PublicationTurn();
  auto found = find_cluster(context.store, request.cluster);
  if (!found) return tl::unexpected(refused(found.error()));
  if (!base) base = content_of(found->record);
  if (*base != content_of(found->record)) {
    const Revision last = last_order(context.store, found->record);
    return tl::unexpected(refused(nothing_published(
        {ErrorKind::conflict,
         fmt::format("cluster '{}': {} published {} at {}", request.cluster, last.actor,
                     found->record.revision, utc_text(last.published_at))})));
  }
  auto revision = find_revision(context.store, request.cluster, request.revision);
  if (!revision) return tl::unexpected(refused(revision.error()));
  auto inventory = inventory_of(*revision);
  if (!inventory) return tl::unexpected(refused(std::move(inventory.error())));
  return publish_revision(
      context, std::move(*found),
      {std::move(*revision), std::make_shared<const Inventory>(std::move(*inventory))}, request,
      "rolled-back", {}, insists);
}

Published<PublishOutcome> republish_once(const PublishContext& context, const std::string& cluster,
                                         const std::string& actor) {
  const auto turn = context.memory->turn(cluster);
  const auto due = find_due(context.store, cluster);
  if (!due) return tl::unexpected(refused(due.error()));
  auto found = context.memory->cluster(context.store, cluster);
  if (!found) return tl::unexpected(refused(found.error()));
  if (found->version == 0) {
    return tl::unexpected(refused(
        {ErrorKind::not_found, fmt::format("cluster '{}': nothing is published yet", cluster)}));
  }
  const auto revision = context.memory->revision(context.store, cluster, content_of(found->record));
  if (!revision) return tl::unexpected(refused(revision.error()));
  RollbackRequest request;
  request.cluster = cluster;
  request.actor = actor;
  request.remove = true;  // the files are the same: only members of pools can have gone
  auto published = publish_revision(context, std::move(*found), **revision, request, "republished",
                                    *due ? (*due)->why : std::string());
  if (published && *due && !published->is_written) {
    if (auto cleared = clear(context.store, **due); !cleared)
      return tl::unexpected(refused(cleared.error()));
  }
  return published;
}
}  // namespace

Published<PublishOutcome> roll_back(const PublishContext& context, const RollbackRequest& request) {
  std::optional<std::uint64_t> base;
  return try_again([&](bool insists) { return roll_back_once(context, request, base, insists); });
}

Published<PublishOutcome> republish(const PublishContext& context, const std::string& cluster,
                                    const std::string& actor) {
  if (auto free = context.quarantine.check_publishable(cluster); !free)
    return tl::unexpected(refused(free.error()));
  return try_again([&](bool /*insists*/) { return republish_once(context, cluster, actor); });
}

}  // namespace muster
