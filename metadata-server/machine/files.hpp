// The files that the inventory puts on a machine. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "machine/desired_state.hpp"

namespace muster {

// Adds each file of the document. A path that Muster writes itself is refused: returns one line per
// such file, "/config/files/0: ...". Call it after everything else has been added to `state`.
[[nodiscard]] std::vector<std::string> add_files(const NodeDocument& document, DesiredState& state);

}  // namespace muster
