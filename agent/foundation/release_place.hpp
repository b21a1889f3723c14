// Where a release lies on the machine, and which links of paths::current lead to it.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] std::string release_folder(const ReleaseReference& release);
[[nodiscard]] std::string release_key(const ReleaseReference& release);  // "NAME/VERSION"

// Paths of the links, and where all of them lead. Its own name; "kubernetes" also stands for the
// two releases that it became, since the units know those names alone.
[[nodiscard]] std::vector<std::string> release_links(const ReleaseReference& release);
[[nodiscard]] std::string release_target(const ReleaseReference& release);

[[nodiscard]] bool is_current(const Filesystem& files, const ReleaseReference& release);

// "NAME/VERSION" of the first of its links that leads elsewhere; empty: none does, or there is
// none.
[[nodiscard]] std::string key_in_its_place(const Filesystem& files,
                                           const ReleaseReference& release);

}  // namespace muster
