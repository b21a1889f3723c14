// The files of cloud-init's NoCloud data source (docs.cloud-init.io, "NoCloud"): what it asks for
// below its seed URL. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "boot/boot_inventory.hpp"
#include "boot/user_data.hpp"

namespace muster {

// "meta-data", "user-data", "vendor-data" or "network-config". An empty text where there is nothing
// to say: cloud-init asks a file that is a 404 ten times more, a second apart. nullopt: no such
// file.
[[nodiscard]] std::optional<std::string> seed_file(std::string_view file,
                                                   const BootMachine& machine,
                                                   const SiteContact& site);

}  // namespace muster
