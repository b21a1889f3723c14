// `apply --wait`: until what is published is in effect.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace muster {

// Asks the status each second and tells on standard error what changes, until every machine of the
// clusters says that what is published is in effect or waits for its turn or a reboot. Those that
// are banned or never enrolled are not waited for. Exit::failed: a machine failed on it, or the
// time is over.
[[nodiscard]] Exit await_convergence(Session& session, const std::vector<std::string>& clusters,
                                     std::chrono::seconds longest);

}  // namespace muster
