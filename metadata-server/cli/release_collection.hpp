// A folder of releases as scripts/components builds it: NAME/VERSION/release.json and the files.
#pragma once

#include <string>
#include <vector>

#include "inventory/component_options.hpp"
#include "inventory/site_facts.hpp"
#include "result/result.hpp"

namespace muster {

struct ReleaseCollection {
  std::string folder;
  std::vector<CatalogueEntry> catalogue;
  ReleaseFlags flags;  // of those that have them
};

// not_found: no release in it. A release that cannot be read is an error, as is a share/flags.json.
[[nodiscard]] Result<ReleaseCollection> read_releases(const std::string& folder);

// The program config-checker of the release of that name for this version of Kubernetes, or of
// another patch of its minor version; "" where there is none.
[[nodiscard]] std::string checker_for(const ReleaseCollection& releases,
                                      const std::string& kubernetes_version);

}  // namespace muster
