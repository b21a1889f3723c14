#include "publish/publish.hpp"

#include <set>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "document/time_text.hpp"
#include "inventory/compile.hpp"
#include "publish/cluster_publication.hpp"
#include "publish/releases.hpp"
#include "publish/site_facts.hpp"
#include "records/audit.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

namespace {

// A ban that is published while an operator applies is tried again on what he published.
constexpr int republish_attempts = 5;

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

Result<void> check_based_on(const ClusterRecord& current, const PublishRequest& request) {
  const auto found = request.based_on.find(current.name);
  const std::string based_on = found == request.based_on.end() ? std::string() : found->second;
  if (based_on == current.revision) return {};
  if (current.revision.empty()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "cluster '{}': based on revision {}, but nothing is published yet. Is this the right server? Then apply again based on none.",
            current.name, based_on));
  }
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "cluster '{}': based on {}, but {} published {} at {}. Look at it with `muster diff`, then apply again based on that one.",
          current.name, based_on.empty() ? "no revision" : "revision " + based_on, current.actor,
          current.revision, utc_text(current.published_at)));
}

// What is true today whatever the content: authorities, pod networks, bans, members of pools.
Result<SiteFacts> facts_of_today(const PublishContext& context, const std::string& cluster,
                                 Transaction& transaction) {
  auto banned = context.banned_machines(cluster);
  if (!banned) return pass(banned.error());
  auto facts = gather_site_facts(context.store, context.keys.site(), cluster, std::move(*banned),
                                 earliest_now(context));
  if (!facts) return facts;
  auto authorities =
      prepare_cluster(context.store, context.sealing, cluster, context.now(), transaction);
  if (!authorities) return pass(authorities.error());
  facts->authorities = std::move(*authorities);
  // Which of them leave is known when they are compared with the inventory.
  if (const auto served = context.current.cluster(cluster)) {
    for (const auto& [node, answer] : served->documents) facts->departed_machines.push_back(node);
    std::sort(facts->departed_machines.begin(), facts->departed_machines.end());
  }
  // Those that this very transaction makes.
  facts->secrets.try_emplace(std::string(service_account_key_secret), 1);
  facts->secrets.try_emplace(std::string(encryption_configuration_secret), 1);
  return facts;
}

Published<PublishOutcome> finish(const PublishContext& context, Transaction& transaction,
                                 std::vector<ClusterPublication> publications, bool dry_run) {
  PublishOutcome outcome;
  bool is_changed = false;
  for (auto& publication : publications) {
    is_changed = is_changed || publication.is_changed;
    outcome.revisions[publication.cluster] = publication.revision;
    outcome.changes.insert(outcome.changes.end(), publication.changes.begin(),
                           publication.changes.end());
    for (auto& release : publication.upgrades)
      outcome.upgrades.push_back({publication.cluster, std::move(release)});
    outcome.warnings = std::move(publication.warnings);  // of the whole inventory, each the same
  }
  if (dry_run || !is_changed) return outcome;
  if (auto committed = context.store.commit(transaction); !committed) {
    return tl::unexpected(refused(committed.error()));
  }
  return outcome;
}

std::vector<std::string> clusters_of(const PublishRequest& request, const Inventory& inventory) {
  std::set<std::string> names(request.clusters.begin(), request.clusters.end());
  if (names.empty()) {
    for (const auto& [name, cluster] : inventory.clusters) names.insert(name);
  }
  return {names.begin(), names.end()};
}

// A name that none of the clusters may upgrade is a mistake, or written in their files.
std::vector<InventoryProblem> check_upgrades(const std::vector<std::string>& upgrades,
                                             const std::vector<std::string>& clusters,
                                             const Inventory& inventory) {
  std::vector<InventoryProblem> problems;
  for (const auto& name : upgrades) {
    Place written;
    const bool is_free = std::any_of(clusters.begin(), clusters.end(), [&](const auto& cluster) {
      const auto found = inventory.clusters.find(cluster);
      if (found == inventory.clusters.end()) return false;
      const auto version = found->second.releases.find(name);
      if (version != found->second.releases.end()) written = version->second.place;
      return ReleaseChoice::is_free(found->second, name);
    });
    if (is_free) continue;
    problems.push_back(problem_at(
        written, fmt::format("spec.releases[{}]", name),
        "a release whose version the inventory does not write, for --upgrade", in_ticks(name),
        "`muster diff` lists those that can be upgraded; a version that is written is changed there"));
  }
  return problems;
}

// Releases and secrets that the old content needs and that are gone since.
Result<void> check_available(const PublishContext& context, const Revision& revision) {
  const auto catalogue = load_catalogue(context.store);
  if (!catalogue) return pass(catalogue.error());
  const auto inventory = inventory_of(revision);
  if (!inventory) return {};  // told with its problems by the publication itself
  const auto compiled = compile(*inventory, revision.cluster, revision.facts);
  if (!compiled) return {};
  std::set<std::string> gone;  // once each, however many machines need it
  for (const auto& document : compiled->documents) {
    for (const auto& release : document.config.releases) {
      if (catalogue->find(release.name, release.version)) continue;
      gone.insert(fmt::format("release {} {}: import it again", release.name, release.version));
    }
    for (const auto& secret : document.config.secrets) {
      if (get_secret(context.store, context.sealing, revision.cluster, secret.name, secret.version))
        continue;
      gone.insert(
          fmt::format("secret '{}' version {}: it was removed", secret.name, secret.version));
    }
  }
  std::string text;
  for (const auto& line : gone) text += "\n" + line;
  if (text.empty()) return {};
  return fail(ErrorKind::conflict,
              fmt::format("cluster '{}': revision {} needs what is not there any more:{}",
                          revision.cluster, revision.number, text));
}

// The content of a revision under today's facts.
Published<PublishOutcome> publish_revision(const PublishContext& context, FoundCluster found,
                                           const Revision& revision, const RollbackRequest& request,
                                           std::string action) {
  const auto inventory = inventory_of(revision);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  Transaction transaction;
  auto today = facts_of_today(context, request.cluster, transaction);
  if (!today) return tl::unexpected(refused(today.error()));
  SiteFacts facts = revision.facts;
  facts.authorities = std::move(today->authorities);
  facts.pod_cidrs = std::move(today->pod_cidrs);
  facts.banned_machines = std::move(today->banned_machines);
  facts.departed_machines = std::move(today->departed_machines);
  facts.members = std::move(today->members);
  facts.drains = std::move(today->drains);
  facts.is_started = today->is_started;
  const std::uint64_t rollback_of = action == "rolled-back" ? revision.number : 0;
  const ClusterInput input{
      *inventory,      revision.files,    std::move(found),         std::move(facts),
      request.actor,   std::move(action), request.remove,           rollback_of,
      request.dry_run, nullptr,           revision.instance_masters};
  auto publication = prepare_publication(context, input, transaction);
  if (!publication) return tl::unexpected(std::move(publication.error()));
  return finish(context, transaction, {std::move(*publication)}, request.dry_run);
}

}  // namespace

TimePoint earliest_now(const PublishContext& context) {
  return context.earliest_now ? context.earliest_now() : context.now();
}

Published<PublishOutcome> publish(const PublishContext& context, const PublishRequest& request) {
  const auto inventory = load(request.files);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  Transaction transaction;
  std::vector<ClusterPublication> publications;
  const auto clusters = clusters_of(request, *inventory);
  std::vector<InventoryProblem> problems = check_upgrades(request.upgrades, clusters, *inventory);
  for (const auto& name : clusters) {
    if (!request.signatures.empty() && !request.signatures.contains(name)) {
      return tl::unexpected(
          refused({ErrorKind::invalid,
                   fmt::format("signatures: expected those of cluster '{}', found none", name)}));
    }
    if (!inventory->clusters.contains(name)) {
      problems.push_back({{}, 0, 0, {}, fmt::format("a Cluster named '{}'", name), "none", {}});
      continue;
    }
    auto found = find_cluster(context.store, name);
    if (!found) return tl::unexpected(refused(found.error()));
    auto free = check_not_on_demand(context.store, name, transaction);
    if (!free) return tl::unexpected(refused(free.error()));
    if (auto based = check_based_on(found->record, request); !based) {
      return tl::unexpected(refused(based.error()));
    }
    auto facts = facts_of_today(context, name, transaction);
    if (!facts) return tl::unexpected(refused(facts.error()));
    facts->upgrades = request.upgrades;
    ClusterInput input{*inventory,     request.files, std::move(*found), std::move(*facts),
                       request.actor,  "published",   request.remove,    0,
                       request.dry_run};
    if (!request.signatures.empty()) input.signatures = &request.signatures.at(name);
    auto publication = prepare_publication(context, input, transaction);
    if (publication) {
      publications.push_back(std::move(*publication));
    } else if (publication.error().problems.empty()) {
      return tl::unexpected(std::move(publication.error()));
    } else {
      problems.insert(problems.end(), publication.error().problems.begin(),
                      publication.error().problems.end());
    }
  }
  if (!problems.empty()) return tl::unexpected(refused(std::move(problems)));
  return finish(context, transaction, std::move(publications), request.dry_run);
}

Published<PublishOutcome> publish_instance(const PublishContext& context,
                                           const InstanceRequest& request,
                                           Transaction transaction) {
  Revision revision;
  revision.cluster = request.cluster;
  revision.files = request.files;
  revision.instance_masters = request.masters;
  const auto inventory = inventory_of(revision);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  auto found = find_cluster(context.store, request.cluster);
  if (!found) return tl::unexpected(refused(found.error()));
  if (found->version != 0) {
    return tl::unexpected(refused(
        {ErrorKind::conflict,
         fmt::format("cluster '{}': there is one of that name; take another", request.cluster)}));
  }
  auto facts = facts_of_today(context, request.cluster, transaction);
  if (!facts) return tl::unexpected(refused(facts.error()));
  ClusterInput input{*inventory,
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
  return finish(context, transaction, {std::move(*publication)}, false);
}

namespace {
Result<void> check_name(const std::string& cluster) {
  if (is_dns_label(cluster)) return {};
  return fail(ErrorKind::invalid,
              fmt::format("cluster: expected a name such as 'lab', found {}", in_ticks(cluster)));
}
}  // namespace

Result<SiteFacts> preview_facts(const PublishContext& context, const std::string& cluster) {
  if (auto named = check_name(cluster); !named) return pass(named.error());
  Transaction given_up;
  return facts_of_today(context, cluster, given_up);
}

Result<SigningFacts> prepare_signing(const PublishContext& context, const std::string& cluster,
                                     const std::string& actor) {
  if (auto named = check_name(cluster); !named) return pass(named.error());
  const auto found = find_cluster(context.store, cluster);
  if (!found) return pass(found.error());
  Transaction transaction;
  auto facts = facts_of_today(context, cluster, transaction);
  if (!facts) return pass(facts.error());
  if (!transaction.changes.empty()) {
    append_audit(transaction, context.now(), actor, "authorities-created", cluster);
    if (auto committed = context.store.commit(transaction); !committed) {
      return pass(committed.error());
    }
  }
  return SigningFacts{std::move(*facts), found->record.revision_number + 1};
}

Published<PublishOutcome> roll_back(const PublishContext& context, const RollbackRequest& request) {
  auto found = find_cluster(context.store, request.cluster);
  if (!found) return tl::unexpected(refused(found.error()));
  const auto revision = find_revision(context.store, request.cluster, request.revision);
  if (!revision) return tl::unexpected(refused(revision.error()));
  if (auto available = check_available(context, *revision); !available) {
    return tl::unexpected(refused(available.error()));
  }
  return publish_revision(context, std::move(*found), *revision, request, "rolled-back");
}

Published<PublishOutcome> republish(const PublishContext& context, const std::string& cluster,
                                    const std::string& actor) {
  if (auto free = context.quarantine.check_free(cluster); !free)
    return tl::unexpected(refused(free.error()));
  for (int attempt = 1;; ++attempt) {
    auto found = find_cluster(context.store, cluster);
    if (!found) return tl::unexpected(refused(found.error()));
    if (found->version == 0) {
      return tl::unexpected(refused(
          {ErrorKind::not_found, fmt::format("cluster '{}': nothing is published yet", cluster)}));
    }
    const auto revision =
        find_revision(context.store, cluster, fmt::to_string(found->record.revision_number));
    if (!revision) return tl::unexpected(refused(revision.error()));
    RollbackRequest request;
    request.cluster = cluster;
    request.actor = actor;
    request.remove = true;  // the files are the same: only members of pools can have gone
    auto published =
        publish_revision(context, std::move(*found), *revision, request, "republished");
    if (published || published.error().error.kind != ErrorKind::conflict ||
        attempt == republish_attempts) {
      return published;
    }
  }
}

}  // namespace muster
