// How a machine that lost its identity (reset, reinstalled, another disk) gets its name again.
#pragma once

#include <string>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"

namespace muster {

// The commands and what to put on the machine, in one sentence; "" for a name that is nobody's.
[[nodiscard]] Result<std::string> way_back(const EnrolmentContext& context, const NodeName& node);

}  // namespace muster
