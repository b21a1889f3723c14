// An operator's word that what lies on a machine's state disk may be destroyed: bound to the disk's
// serial number, told to whoever starts in the machine's name until the machine itself says that it
// is done, for a quarter of an hour at most. So asking takes it from nobody. Its number is the time
// at which it was ordered; the disk that was made by it bears that, and is not wiped by it again.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "boot/machine_archive.hpp"
#include "document/node_document.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// The phase by which an initrd says that the state was made anew, in this start or by the order
// that it was told (images/netboot/state_disk.sh).
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
// It is told to the next start. `now`: the latest that it can be, so that none that lapsed comes
// alive again by a clock that was set back; one that was told later than now was told while the
// clock was ahead, and has lapsed.
[[nodiscard]] bool is_wipe_open(const BootRecord& record, TimePoint now);
[[nodiscard]] std::optional<DiskWipe> open_wipe(const BootRecord& record, TimePoint now);
// What the start that asks now may wipe. Writes the first time alone.
[[nodiscard]] Result<std::optional<DiskWipe>> hand_out_disk_wipe(const Fleet& fleet,
                                                                 const NodeName& node,
                                                                 const std::string& source);

// null: none was ever ordered. Times are Unix seconds; 0: not yet.
[[nodiscard]] nlohmann::json disk_wipe_value(const BootRecord& record);

}  // namespace muster
