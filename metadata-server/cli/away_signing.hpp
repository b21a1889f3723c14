// Signs what an inventory compiles to with a key that the server does not have.
#pragma once

#include "cli/session.hpp"
#include "inventory/load.hpp"
#include "pki/private_key.hpp"

namespace muster {

// "signatures" of an apply request, for every cluster of the inventory: compiled here, with the
// facts that the server tells, and `upgrades` as the request names them. Prints what is wrong, and
// gives the exit status for it.
[[nodiscard]] tl::expected<nlohmann::json, Exit> sign_clusters(
    Session& session, const Inventory& inventory, const std::vector<std::string>& upgrades,
    const PrivateKey& key);

}  // namespace muster
