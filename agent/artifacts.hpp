// Releases on the machine: every byte is verified by digest before it is moved into place, versions
// lie side by side, one link says which is current, the one before is kept.
#pragma once

#include <string>
#include <vector>

#include "agent/checkpoint.hpp"
#include "agent/host/host.hpp"
#include "agent/server.hpp"
#include "document/node_document.hpp"
#include "document/release.hpp"

namespace muster {

[[nodiscard]] std::string release_folder(const ReleaseReference& release);
[[nodiscard]] std::string release_key(const ReleaseReference& release);  // "NAME/VERSION"

// The manifest that lies in the release's folder. corrupt: not the one that the document names.
[[nodiscard]] Result<Release> read_release(const Filesystem& files,
                                           const ReleaseReference& release);

// What a stamp says of a file: as long as this is the same, so are its bytes.
[[nodiscard]] std::string stamp_of(const FileStatus& status);

// Why it must be installed: "missing", "not verified yet", "bin/etcd changed", "not current";
// empty: it is in order. Hashes nothing.
[[nodiscard]] std::string reason_to_install(const Filesystem& files, const Checkpoint& checkpoint,
                                            const ReleaseReference& release);

// Leaves a release that already lies here in place when every digest matches, else downloads it
// from `sources` (base URLs, each tried in order; resumable). Installs its .debs, stamps it,
// switches the link. Idempotent; safe to repeat after a crash at any point. corrupt names the
// artifact with the expected and the found digest.
[[nodiscard]] Result<void> install(Host& host, Network& network, Checkpoint& checkpoint,
                                   const ReleaseReference& release,
                                   const std::vector<std::string>& sources);

// Removes versions that are neither in `wanted` nor the newest other one of their release.
void prune_releases(Filesystem& files, Checkpoint& checkpoint,
                    const std::vector<ReleaseReference>& wanted);

}  // namespace muster
