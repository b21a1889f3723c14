// What a machine is served whose cluster ended.
#pragma once

#include "http/routes.hpp"

namespace muster {

// GET /v1/document of such a machine.
[[nodiscard]] Result<Response> tombstone_response(const Rooms& rooms, const Caller& caller);

}  // namespace muster
