// What is one machine's own and travels beside its image: an archive that the kernel unpacks over
// the initrd (cpio, "newc": Documentation/driver-api/early-userspace/buffer-format.rst). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "boot/boot_inventory.hpp"
#include "boot/user_data.hpp"
#include "document/node_document.hpp"

namespace muster {

// An operator's word that the disk with this serial number may be wiped. A disk that was made by
// the order of this number is not wiped by it again.
struct DiskWipe {
  std::int64_t order = 0;
  std::string serial;
};
// The disk that is to keep its state, and whether it may be wiped for that.
struct StateDiskOrder {
  StateDisk disk;
  std::optional<DiskWipe> wipe;
};

// muster/agent.json (0600): pin, enrol servers and, where there is one, the claim, as
// /etc/muster/agent.json has them; muster/hostname: the name that the inventory gives it;
// muster/state-disk: lines of a name and a value (images/netboot/state_disk.sh). The command line,
// which everybody on the machine may read, has none of that.
[[nodiscard]] std::string machine_archive(const BootMachine& machine, const SiteContact& site,
                                          const std::string& claim = {},
                                          const std::optional<StateDiskOrder>& order = {});

}  // namespace muster
