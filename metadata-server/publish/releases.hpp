// Releases that the site has: kind "release", the canonical manifest. The bytes are the artifact
// store's. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artifact/artifact_store.hpp"
#include "artifact/catalogue.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

// The manifest becomes an artifact itself. invalid: artifacts that are not in the store, all of
// them named. conflict: the same name and version with another manifest. Idempotent.
[[nodiscard]] Result<void> add_release(Store& store, const ArtifactStore& artifacts,
                                       const Release& release, std::string_view actor,
                                       TimePoint now);
[[nodiscard]] Result<Catalogue> load_catalogue(const Store& store);

}  // namespace muster
