// What a machine is served whose cluster, or whose place in it, ended.
#pragma once

#include <string>

#include "document/signed_document.hpp"
#include "enrolment/tombstone.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// Signed now, by this server's document key: a key that was revoked since the end says nothing.
// `key`: the machine's. conflict: the trust list vouches for no key of this server in this cluster.
[[nodiscard]] Result<Envelope> sign_tombstone(const Fleet& fleet, const std::string& key,
                                              const TombstoneRecord& record);

}  // namespace muster
