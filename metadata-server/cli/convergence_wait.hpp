// `apply --wait`: until what it published is in effect.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "cli/session.hpp"

namespace muster {

// Cluster -> the number of the operator's revision that an apply left it at. 0: a server of before
// does not say, and whatever is current is waited for.
using OrderedRevisions = std::map<std::string, std::int64_t>;
[[nodiscard]] OrderedRevisions ordered_by(const nlohmann::json& answer);

// Asks the status each second and tells on standard error what changes, until every machine of the
// clusters says that what is published is in effect or waits for its turn or a reboot. Those that
// are banned or never enrolled are not waited for. What machines, bans and time publish under the
// same revision is awaited with it. Exit::not_in_effect: a machine failed on it, the time is over,
// or an operator published another revision meanwhile.
[[nodiscard]] Exit await_convergence(Session& session, const OrderedRevisions& ordered,
                                     std::chrono::seconds longest);

}  // namespace muster
