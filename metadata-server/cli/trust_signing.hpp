// Changes the trust list with a site key that was taken away from the server.
#pragma once

#include <functional>
#include <string>

#include "cli/session.hpp"
#include "document/trust_list.hpp"

namespace muster {

// Fetches the list, verifies it, lets `edit` change it, signs and uploads it. The version in force.
[[nodiscard]] Result<std::uint64_t> change_trust_list(
    Session& session, const std::string& site_key_file,
    const std::function<Result<TrustList>(TrustList)>& edit);

}  // namespace muster
