// A release as a folder: release.json and the files that it names (document/README.md, "Release
// manifest"). What scripts/components builds and `muster release import` takes.
#pragma once

#include <string>

#include "artifact/artifact_store.hpp"
#include "document/release.hpp"

namespace muster {

// Reads the manifest and looks at each file: missing ones, links and wrong sizes are told at once.
// Digests are not computed. not_found: no release.json.
[[nodiscard]] Result<Release> read_release_folder(const std::string& folder);

// All files, then the manifest's canonical bytes, into the store; every altered file is told at
// once. Idempotent: what is there is not read again. The caller publishes the release
// (Catalogue::add) afterwards; until then prune takes back what a failed import left.
[[nodiscard]] Result<Release> import_release(const ArtifactStore& store, const std::string& folder);

}  // namespace muster
