// Releases on the machine: every byte is verified by digest before it is moved into place, versions
// lie side by side, one link says which is current, the one before is kept.
#pragma once

#include <string>
#include <vector>

#include "agent/foundation/dpkg.hpp"
#include "agent/foundation/release_place.hpp"
#include "agent/host/host.hpp"
#include "agent/server.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/node_document.hpp"
#include "document/release.hpp"

namespace muster {

// The manifest that lies in the release's folder. corrupt: not the one that the document names.
[[nodiscard]] Result<Release> read_release(const Filesystem& files,
                                           const ReleaseReference& release);

// What a stamp says of a file: as long as this is the same, so are its bytes.
[[nodiscard]] std::string stamp_of(const FileStatus& status);

// Why its bytes must be brought: "missing", "not verified yet", "bin/etcd changed"; empty: they are
// there, verified. Hashes nothing.
[[nodiscard]] std::string reason_to_bring(const Filesystem& files, const Checkpoint& checkpoint,
                                          const ReleaseReference& release);
// The same, or why what is there must be installed: "not current", "package nftables 1.0.6 is not
// installed"; empty: it is in order.
[[nodiscard]] std::string reason_to_install(const Filesystem& files, const Checkpoint& checkpoint,
                                            const ReleaseReference& release);

// "another build of 1.36.3"
[[nodiscard]] std::string another_build_of(const ReleaseReference& release);
// What is current in its place: "1.35.4", "kubernetes 1.36.3" of another release, another_build_of
// it, whose bytes this one's would replace, or "not there yet". Empty: this one.
[[nodiscard]] std::string replaced_release(const Filesystem& files, const Checkpoint& checkpoint,
                                           const ReleaseReference& release);

// Every release of `wanted` lies in its folder, verified and stamped in the checkpoint: left in
// place when its stamp holds or every digest matches, else downloaded from `sources` (base URLs,
// each tried in order; resumable; all releases at once). Installs nothing. An error tells all
// problems, and is of the first one's kind: corrupt names the artifact with the expected and the
// found digest. What is verified is stamped also then.
[[nodiscard]] Result<void> bring_releases(Host& host, Network& network, Checkpoint& checkpoint,
                                          const std::vector<ReleaseReference>& wanted,
                                          const std::vector<std::string>& sources);

// Brings it, installs its .debs, switches its links. Idempotent; safe to repeat after a crash at
// any point. What is waited for is told through `narrate`.
[[nodiscard]] Result<void> install(Host& host, Network& network, Checkpoint& checkpoint,
                                   const ReleaseReference& release,
                                   const std::vector<std::string>& sources, const Narrate& narrate);

}  // namespace muster
