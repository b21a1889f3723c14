// A change of a machine's boot record that somebody ordered.
#pragma once

#include <functional>
#include <string>

#include "fleet/fleet.hpp"

namespace muster {

// `change` decides on the record as it is; true: it is written, with its audit row. It may be asked
// again.
[[nodiscard]] Result<void> change_boot(const Fleet& fleet, const NodeName& node,
                                       const std::string& by, const std::string& action,
                                       const std::string& detail,
                                       const std::function<Result<bool>(BootRecord&)>& change);

}  // namespace muster
