// How a publication, or why there was none, is answered.
#pragma once

#include "http/rooms.hpp"
#include "http/routes.hpp"

namespace muster {

// 200 with revisions and changes, those machines counted of which there is nothing to tell; 400 of
// kind "inventory" with every problem's place.
[[nodiscard]] Result<Response> publication_response(const Rooms& rooms,
                                                    const Published<PublishOutcome>& published,
                                                    const Request& request);

// Why nothing was published: as publication_response answers it.
[[nodiscard]] Result<Response> refused_response(const PublishRefusal& refusal,
                                                const Request& request);

}  // namespace muster
