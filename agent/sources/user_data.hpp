// The agent's settings in a machine's user-data. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/sources/settings_layer.hpp"

namespace muster {

// `text` is one of: the JSON of /etc/muster/agent.json; a flat metadata document; what makes
// Debian's cloud-init write agent.json (README.md). Anything else is refused with what it is and,
// where it has one, its line: user-data that the agent does not understand is never taken for
// user-data without settings. `what` names the place.
[[nodiscard]] Result<SettingsLayer> settings_in_user_data(std::string_view what,
                                                          std::string_view text);

}  // namespace muster
