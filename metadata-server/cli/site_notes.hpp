// What `muster status` says of the server itself: above all machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace muster {

// A line and a cure for a clock that is not believed, each cluster in quarantine, and each
// background task that fails; "" where all is well.
[[nodiscard]] std::string site_notes(const nlohmann::json& status);

}  // namespace muster
