// One report outside a run: without the run lock, so that nothing is written on the machine.
#pragma once

#include <functional>
#include <optional>

#include "agent/host/host.hpp"
#include "agent/run/memory.hpp"
#include "agent/run/settings.hpp"
#include "agent/server.hpp"

namespace muster {

// What was told last, with this boot's identity and what `change` makes of it. nullopt: not
// enrolled, or the server did not answer.
[[nodiscard]] std::optional<ReportAnswer> tell_once(Host& host, Network& network,
                                                    const Settings& settings, Memory& memory,
                                                    const std::function<void(Report&)>& change);

// Of a machine that was taken apart: nothing of Kubernetes runs there.
void as_reset(Report& report);

}  // namespace muster
