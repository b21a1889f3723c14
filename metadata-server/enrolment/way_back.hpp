// How a machine that lost its identity (reset, reinstalled, another disk) gets its name again.
#pragma once

#include <string>
#include <string_view>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"

namespace muster {

// For a machine whose key is nobody's here: its agent enrols with another one alone, and keeps what
// it has until it is reset.
inline constexpr std::string_view enrols_anew =
    "on it `muster-agent reset --yes`, then a join token (`muster token create`) into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`";

// The commands and what to put on the machine, in one sentence; "" for a name that is nobody's.
[[nodiscard]] Result<std::string> way_back(const EnrolmentContext& context, const NodeName& node);

}  // namespace muster
