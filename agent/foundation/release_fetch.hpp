// Releases that are not on the machine yet, from the server or its mirrors.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "agent/server.hpp"
#include "document/node_document.hpp"
#include "document/release.hpp"

namespace muster {

inline constexpr std::size_t largest_manifest = 4u << 20;  // bytes

// corrupt: not the manifest that the document names.
[[nodiscard]] Result<Release> check_manifest(const ReleaseReference& reference,
                                             const std::string& text);

// One answer for each of `wanted`, in its order. All artifacts of all of them at once: a few at a
// time and the largest first, so that line, unpacking, hashing and disk work side by side. Each
// release is built beside its folder, every byte verified, and put in its place when it is whole,
// whatever became of the others; what an interrupted run left is gone on with. Nothing but
// the files that the manifest names is placed. An error names each artifact that failed, in the
// manifest's order, those of the disk first; after one of the disk the rest is not tried, and the
// line that says so names it, in every release.
[[nodiscard]] std::vector<Result<Release>> fetch_releases(
    Host& host, Network& network, const std::vector<ReleaseReference>& wanted,
    const std::vector<std::string>& sources);

}  // namespace muster
