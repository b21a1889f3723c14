// A server that was restored and the machines that know more than it: by which error a machine is
// told so, and where it then shows what the site signed for it.
#pragma once

namespace muster {

inline constexpr const char* sealed_code = "sealed";
// POST {"trust":[envelope,...],"document":envelope,"peers":envelope}, each where it has one.
inline constexpr const char* held_path = "/v1/held";

}  // namespace muster
