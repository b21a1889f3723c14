// Machines that start by the network, as operators see them and order of them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fleet/boot_decision.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// {"state", ...}: what was handed out to it, what came of it, what is ordered. `heard`: its last
// report, of this life.
[[nodiscard]] nlohmann::json start_value(const Fleet& fleet, const NodeName& node,
                                         const HeardMachine& heard);

// An image that does not come up on a machine, as one sentence; empty: it does. `wanted`: what its
// document names.
[[nodiscard]] std::string start_alarm(const BootRecord& record, std::string_view wanted);
// The machine's, by its document; without a document's parse where its record says nothing.
[[nodiscard]] std::string start_alarm(const Fleet& fleet, const NodeName& node);
inline constexpr std::string_view start_cure =
    "publish an image that starts there; `muster node reprovision NAME` tries this one again";

// One-shot: its next start takes its name over, silent or not, by the image that its document
// names; the key before it ends with the enrolment. Of a machine with a state disk: its image is
// tried again, and nothing else. Refusals: starts_from_disk, keeps_state (its image did not fail),
// banned, frozen. Idempotent.
[[nodiscard]] Result<void> order_reprovision(const Fleet& fleet, const NodeName& node,
                                             const std::string& by);
// not_found: none is ordered.
[[nodiscard]] Result<void> cancel_reprovision(const Fleet& fleet, const NodeName& node,
                                              const std::string& by);

}  // namespace muster
