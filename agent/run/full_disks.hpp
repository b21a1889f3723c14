// Which file systems have no room for what this machine writes. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "agent/host/host.hpp"

namespace muster {

// Of those that converging and the components write to, and of the one where the file `failed` was
// to be written: whichever has less than `least` bytes, or no place for another file, with its
// figures: "/var/lib/muster (0.0 MiB of 2.0 MiB free)". Empty: none. Costs a statvfs each.
[[nodiscard]] std::string full_disks(const Filesystem& files, std::uint64_t least,
                                     const std::string& failed = {});

}  // namespace muster
