// Releases that the site has: kind "release", the canonical manifest. The bytes are the artifact
// store's. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artifact/artifact_store.hpp"
#include "artifact/catalogue.hpp"
#include "inventory/site_facts.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

// The manifest becomes an artifact itself, and takes the place of a record that cannot be read.
// invalid: artifacts that are not in the store, all of them named. conflict: the same name and
// version with another manifest. Idempotent.
[[nodiscard]] Result<void> add_release(Store& store, const ArtifactStore& artifacts,
                                       const Release& release, std::string_view actor,
                                       TimePoint now);
// Without those whose record cannot be read: unread_releases.
[[nodiscard]] Result<Catalogue> load_catalogue(const Store& store);

// A release whose files, or its manifest, are not all on this server's disk: it lost them, or a
// database was restored without them. `muster release import` brings them back.
struct IncompleteRelease {
  std::string name, version;
  std::size_t missing = 0, files = 0;
  std::string unread = {};  // why its record cannot be read, and its files are not known
};
// Looks for the files, not into them: a few microseconds each.
[[nodiscard]] std::vector<IncompleteRelease> incomplete_releases(const Catalogue& catalogue,
                                                                 const ArtifactStore& artifacts);
// The same of some, noted in each.
[[nodiscard]] Result<void> count_missing(const Store& store, const ArtifactStore& artifacts,
                                         std::vector<CatalogueEntry>& releases);
[[nodiscard]] Result<std::vector<IncompleteRelease>> unread_releases(const Store& store);
// "release etcd 3.6.16: 2 of 3 files are not on the server's disk; bring them back with `muster
// release import`", a line each.
[[nodiscard]] std::string to_text(const std::vector<IncompleteRelease>& releases);

// A file of a release that is not what it should be.
struct ArtifactProblem {
  std::string path, digest;
  std::string found;  // "missing", "damaged", or why it cannot be read
};
// Reads every file of it, the manifest (path "release.json") included. not_found: no such release.
[[nodiscard]] Result<std::vector<ArtifactProblem>> verify_release(const Store& store,
                                                                  const ArtifactStore& artifacts,
                                                                  std::string_view name,
                                                                  std::string_view version);

}  // namespace muster
