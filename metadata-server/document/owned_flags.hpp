// Flags of components that componentArguments may not set: what they say is decided elsewhere
// (addresses, CIDRs), or is one side of something that Muster keeps equal on both (certificates,
// paths, names). Flags that are not here are the operator's. Pure; thread-safe.
#pragma once

#include <string_view>

namespace muster {

// What decides the flag instead, as a cure: "spec.serviceCidr decides it". Empty: the operator may
// set it. `flag` is without dashes.
[[nodiscard]] std::string_view owner_of_flag(std::string_view component, std::string_view flag);

}  // namespace muster
