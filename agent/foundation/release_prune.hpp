// Which releases need not be kept on the disk any more.
#pragma once

#include <vector>

#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/node_document.hpp"

namespace muster {

// Removes versions that are neither in `wanted` nor current nor the newest other one of their
// release, and what a wanted release has taken the place of (kubernetes and the two that it became)
// once that one has a way back of its own. What is current stays while something runs of it.
void prune_releases(Filesystem& files, Checkpoint& checkpoint,
                    const std::vector<ReleaseReference>& wanted);

}  // namespace muster
