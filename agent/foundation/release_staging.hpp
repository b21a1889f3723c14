// The folder beside a release's own in which it is put together, and which then takes its place.
#pragma once

#include <string>

#include "agent/host/host.hpp"
#include "document/node_document.hpp"
#include "document/release.hpp"

namespace muster {

[[nodiscard]] std::string staging_of(const ReleaseReference& reference);

// Removes whatever is not of the release: other files, links and folders, whoever left them. While
// it is `incoming` its unfinished downloads (PATH.part) may stay; what is placed has none.
[[nodiscard]] Result<void> keep_only(Filesystem& files, const ReleaseReference& reference,
                                     const Release& release, bool incoming);

}  // namespace muster
