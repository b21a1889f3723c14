// One addon: applied, and waited for.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/duties/addon_record.hpp"
#include "agent/duties/kubectl.hpp"
#include "document/node_document.hpp"

namespace muster {

// Applies one addon by server-side apply, each object with addon_label; what came of it, as the API
// server answered. Idempotent: applying what is there writes nothing in the cluster.
[[nodiscard]] Result<std::vector<AppliedObject>> apply_addon(const AddonSpec& addon,
                                                             const Kubectl& kubectl);

// Until everything that it names has rolled out. `left` is what remains of the time for waiting; it
// is used up here. timeout: not in that time.
[[nodiscard]] Result<void> await_addon(const AddonSpec& addon, const Kubectl& kubectl, Clock& clock,
                                       std::chrono::milliseconds& left);

}  // namespace muster
