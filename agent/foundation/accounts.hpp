// Accounts that components of ours run under, where they are not root.
#pragma once

#include <string>

#include "agent/host/host.hpp"

namespace muster {

// Empty: it is there, or is none that Muster makes.
[[nodiscard]] std::string reason_to_make_account(const Filesystem& files, const std::string& name);
// A system account without a login, and its group; a no-op where it is there. It is left behind, as
// packages leave theirs: what it owned would be the next account's.
[[nodiscard]] Result<void> make_account(Process& process, const std::string& name);

}  // namespace muster
