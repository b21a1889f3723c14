// An operator's word that what lies on a machine's state disk may be destroyed: bound to the disk's
// serial number, told to whoever starts in the machine's name until the machine itself says that it
// is done, for a quarter of an hour at most. So asking takes it from nobody.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "document/node_document.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// The phase by which an initrd says that it made the state anew (images/netboot/state_disk.sh).
inline constexpr std::string_view disk_made_phase = "initrd disk-made";

// In the place of one that was ordered before. Refusals: invalid (no serial number), conflict
// "no_state_disk", "wipe_not_permitted" (its document's stateDisk.create is another),
// "other_serial" (its document names another disk), banned, frozen.
[[nodiscard]] Result<void> order_disk_wipe(const Fleet& fleet, const NodeName& node,
                                           const std::string& serial, const std::string& by);
// not_found: none is open. What a start was told already is not taken from it.
[[nodiscard]] Result<void> cancel_disk_wipe(const Fleet& fleet, const NodeName& node,
                                            const std::string& by);

inline constexpr std::chrono::seconds wipe_lifetime{900};  // from when it was first told
// It is told to the next start.
[[nodiscard]] bool is_wipe_open(const BootRecord& record, TimePoint now);
// The serial number of the disk that the start which asks now may wipe; "": none. Writes the first
// time alone.
[[nodiscard]] Result<std::string> hand_out_disk_wipe(const Fleet& fleet, const NodeName& node,
                                                     const std::string& source);

// null: none was ever ordered. Times are Unix seconds; 0: not yet.
[[nodiscard]] nlohmann::json disk_wipe_value(const BootRecord& record);

}  // namespace muster
