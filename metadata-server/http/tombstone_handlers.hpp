// What a machine is served whose cluster ended.
#pragma once

#include "document/signed_document.hpp"
#include "enrolment/tombstone.hpp"
#include "http/routes.hpp"

namespace muster {

// Signed now, by this server's document key: a key that was revoked since the end says nothing.
// conflict: the trust list vouches for no key of this server in this cluster.
[[nodiscard]] Result<Envelope> sign_tombstone(const Rooms& rooms, const std::string& key,
                                              const TombstoneRecord& record);
// GET /v1/document of such a machine.
[[nodiscard]] Result<Response> tombstone_response(const Rooms& rooms, const Caller& caller);

}  // namespace muster
