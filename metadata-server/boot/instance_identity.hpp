// Which machine of the site this is, in the place of EC2's instance identity document: readable by
// anybody on the machine, and signed as every document of the site is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "boot/boot_inventory.hpp"
#include "trust/site_keys.hpp"

namespace muster {

inline constexpr std::string_view instance_identity_type =
    "application/vnd.muster.instance-identity.v1+json";

// {"cluster","instanceId","node","privateIp","site"}, canonical. `site`: the pin. Pure.
[[nodiscard]] std::string identity_document(const BootMachine& machine, const std::string& site);

// The document in an envelope (document/signed_document) by this server's document key. nullopt:
// the trust list does not vouch for it in the machine's cluster (it is signed away from the
// server).
[[nodiscard]] std::optional<std::string> signed_identity(const SiteKeys& keys,
                                                         const BootMachine& machine);

}  // namespace muster
