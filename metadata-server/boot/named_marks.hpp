// The marks of its hardware by which a request says which machine it is about. Pure.
#pragma once

#include <map>
#include <string>

#include "inventory/match.hpp"
#include "result/result.hpp"

namespace muster {

// `named`: "mac", "uuid", "serial" -> what was said; "f" is not looked at. invalid, "mark_unknown":
// another name. invalid, "mark_unexpanded": what a client should have filled in ("__dmi.x__",
// "${x}"). not_found, "mark_filler": nothing but what vendors leave in every board's firmware.
// Empty ones are none.
[[nodiscard]] Result<MachineMarks> parse_named_marks(
    const std::map<std::string, std::string>& named);

}  // namespace muster
