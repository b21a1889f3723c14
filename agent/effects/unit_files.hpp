// The unit files that this agent was built with (units/): what they should say on the machine.
#pragma once

#include <string_view>

namespace muster {

// Empty: it is none of ours.
[[nodiscard]] std::string_view unit_file(std::string_view name);

}  // namespace muster
