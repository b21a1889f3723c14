// A machine's data as the instance metadata service of EC2 shows it (docs.aws.amazon.com, "Instance
// metadata categories"): a tree of leaves with listings. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "boot/boot_inventory.hpp"
#include "boot/user_data.hpp"

namespace muster {

// The signed identity of the machine (instance_identity.hpp); nullopt: nobody signs it here.
using IdentitySigner = std::function<std::optional<std::string>()>;

// `path` without a slash in front: "", "latest", "latest/meta-data/", "2021-03-23/user-data". The
// text of a leaf, or the listing of a folder: its entries by name, one a line, a folder's with a
// slash behind it. Every entry of a listing is there. The slash behind a folder's path may be left
// out; a leaf has none. nullopt: no such path. `sign` is asked only for paths below "dynamic".
[[nodiscard]] std::optional<std::string> ec2_metadata(std::string_view path,
                                                      const BootMachine& machine,
                                                      const SiteContact& site,
                                                      const IdentitySigner& sign);

// It is "" or begins with a version that is known here.
[[nodiscard]] bool is_ec2_path(std::string_view path);

}  // namespace muster
