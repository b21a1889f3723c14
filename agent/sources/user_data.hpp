// The agent's settings in a machine's user-data. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/sources/settings_layer.hpp"

namespace muster {

// `text` is one of: the JSON of /etc/muster/agent.json; a flat metadata document; "#cloud-config"
// with agent.json in `write_files` (encoding: plain or base64); MIME with such a part. The last two
// are what cloud-init takes, too. Anything else is refused with what it is and, where it has one,
// its line: user-data that the agent does not understand is never taken for user-data without
// settings. `what` names the place.
[[nodiscard]] Result<SettingsLayer> settings_in_user_data(std::string_view what,
                                                          std::string_view text);

}  // namespace muster
