// Join tokens that came with a cluster on demand end with their purpose.
#pragma once

#include "fleet/fleet.hpp"

namespace muster {

// Revokes what is left of the tokens that came with a cluster and its growing, once as many
// machines as were asked for are Ready. Looks only at clusters of which a machine became Ready
// since the last call; costs nothing else. Idempotent.
[[nodiscard]] Result<void> revoke_unused_counts(const Fleet& fleet);

}  // namespace muster
