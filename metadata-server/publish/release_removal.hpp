// Releases that go: all that nothing needs, or one by its name. A release is needed where a machine
// is served it, or a kept revision, which can be gone back to, has it.
#pragma once

#include <string>
#include <vector>

#include "artifact/artifact_store.hpp"
#include "pki/certificate.hpp"
#include "publish/current_documents.hpp"
#include "store/store.hpp"

namespace muster {

struct ReleaseStores {
  Store& store;
  const ArtifactStore& artifacts;
  const CurrentDocuments& current;
};

struct ReleaseName {
  std::string name, version;
};

struct PrunedReleases {
  std::vector<ReleaseName> releases;  // in name order
  PruneOutcome files;                 // that no release refers to, older than an hour
};
// What is not needed and not the newest of its name goes, with its row of the audit; then the files
// of no release. `dry_run`: tells what would go. A publication that begins to use another release
// meanwhile is a conflict, and nothing goes.
[[nodiscard]] Result<PrunedReleases> prune_releases(const ReleaseStores& stores,
                                                    const std::string& actor, TimePoint now,
                                                    bool dry_run);

// Takes one out of the catalogue, the newest too; its files go with the next prune. not_found;
// conflict: somebody needs it, and who.
[[nodiscard]] Result<void> remove_release(const ReleaseStores& stores, const ReleaseName& release,
                                          const std::string& actor, TimePoint now);

}  // namespace muster
