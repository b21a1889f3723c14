// The agent's own version, as reports carry it.
#pragma once

namespace muster {

inline constexpr const char* agent_version = "0.2.0";

}  // namespace muster
