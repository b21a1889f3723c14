#include "publish/release_removal.hpp"

#include <map>

#include "artifact/catalogue.hpp"
#include "publish/publication_guards.hpp"
#include "publish/releases.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

// An upload that has no release yet is not garbage: its release comes after its last artifact.
constexpr std::chrono::hours prune_grace{1};

// Manifest -> who needs it: a document that is served, or would be after a rollback. A publication
// meanwhile fails the transaction.
Result<std::map<std::string, std::string>> manifests_in_use(const ReleaseStores& stores,
                                                            Transaction& transaction) {
  if (auto alone = expect_no_publication(stores.store, transaction); !alone)
    return pass(alone.error());
  auto used = manifests_of_revisions(stores.store);
  if (!used) return used;
  for (const auto& name : stores.current.clusters()) {
    const auto cluster = stores.current.cluster(name);
    if (!cluster) continue;
    for (const auto& [node, answer] : cluster->documents) {
      const auto document = read_document(*answer);
      if (!document) return pass(document.error());
      for (const auto& release : document->config.releases)
        (*used)[release.manifest_digest] = fmt::format("machines of '{}' are served it", name);
      if (document->config.netboot)
        (*used)[document->config.netboot->manifest_digest] =
            fmt::format("machines of '{}' start by it", name);
    }
  }
  return used;
}

void remove(const ReleaseName& release, const std::string& actor, TimePoint now,
            Transaction& transaction) {
  const std::string key = kinds::pair_key(release.name, release.version);
  transaction.remove(kinds::release, key);
  append_audit(transaction, now, actor, "release-removed", key);
}

Result<void> commit_alone(Store& store, const Transaction& transaction) {
  auto written = commit(store, transaction);
  if (!written && written.error().kind == ErrorKind::conflict)
    written.error().message +=
        ". A cluster was published meanwhile and may need one of these releases: nothing was removed. Do it again.";
  return written;
}

}  // namespace

Result<PrunedReleases> prune_releases(const ReleaseStores& stores, const std::string& actor,
                                      TimePoint now, bool dry_run) {
  auto catalogue = load_catalogue(stores.store);
  if (!catalogue) return pass(catalogue.error());
  // Nobody knows which files are theirs.
  const auto unread = unread_releases(stores.store);
  if (!unread) return pass(unread.error());
  if (!unread->empty()) return fail(ErrorKind::conflict, to_text(*unread));
  Transaction transaction;
  const auto used = manifests_in_use(stores, transaction);
  if (!used) return pass(used.error());
  PrunedReleases pruned;
  const auto releases = catalogue->releases();  // a copy: the catalogue shrinks below
  for (const auto& release : releases) {
    const auto newest = catalogue->newest(release.name);
    const bool is_newest = newest && (*newest)->version == release.version;
    if (is_newest || used->contains(release.manifest_digest)) continue;
    pruned.releases.push_back({release.name, release.version});
    remove(pruned.releases.back(), actor, now, transaction);
    catalogue->remove(release.name, release.version);
  }
  if (!dry_run) {
    if (auto written = commit_alone(stores.store, transaction); !written)
      return pass(written.error());
  }
  auto files = stores.artifacts.prune(catalogue->referred(), prune_grace, dry_run);
  if (!files) return pass(files.error());
  pruned.files = *files;
  return pruned;
}

Result<void> remove_release(const ReleaseStores& stores, const ReleaseName& release,
                            const std::string& actor, TimePoint now) {
  const auto catalogue = load_catalogue(stores.store);
  if (!catalogue) return pass(catalogue.error());
  const auto found = catalogue->find(release.name, release.version);
  if (!found) return pass(found.error());
  Transaction transaction;
  const auto used = manifests_in_use(stores, transaction);
  if (!used) return pass(used.error());
  if (const auto user = used->find((*found)->manifest_digest); user != used->end()) {
    return fail(ErrorKind::conflict, fmt::format("release {} {}: {}; it stays", release.name,
                                                 release.version, user->second));
  }
  remove(release, actor, now, transaction);
  return commit_alone(stores.store, transaction);
}

}  // namespace muster
