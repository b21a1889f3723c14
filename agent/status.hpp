// What `muster-agent status` and `facts` print. Reads only.
#pragma once

#include <string>

#include "agent/host/host.hpp"
#include "agent/run/settings.hpp"
#include "agent/state/checkpoint.hpp"
#include "machine/facts.hpp"

namespace muster {

// For people: node, document in force, verdict, units.
[[nodiscard]] std::string status_text(const Host& host, const Checkpoint& checkpoint,
                                      const Facts& facts);
[[nodiscard]] std::string status_json(const Host& host, const Checkpoint& checkpoint,
                                      const Facts& facts);
[[nodiscard]] std::string facts_text(const Facts& facts, const SettingsView& settings);
[[nodiscard]] std::string facts_json(const Facts& facts, const SettingsView& settings);

}  // namespace muster
