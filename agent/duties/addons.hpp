// Addons in the inventory's order, each waited for before the next.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/duties/kubectl.hpp"
#include "document/node_document.hpp"

namespace muster {

// Applies one addon by server-side apply and waits until what it names has rolled out. Idempotent.
// `left` is what remains of the time for waiting; it is used up here. timeout: applied, and not
// rolled out in that time.
[[nodiscard]] Result<void> apply_addon(const AddonSpec& addon, const Kubectl& kubectl, Clock& clock,
                                       std::chrono::milliseconds& left);

// Of the roles and every addon: what the Lease remembers, so that an unchanged turn applies
// nothing.
[[nodiscard]] std::string addons_digest(const NodeDocument& document);

}  // namespace muster
