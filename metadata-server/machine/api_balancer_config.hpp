// HAProxy on every machine where the API is node-local: 127.0.0.1 balanced over the masters. Pure;
// golden-tested. Reference: HAProxy 2.6 configuration manual.
#pragma once

#include <string>

#include "document/node_document.hpp"

namespace muster {

// Reloading it keeps established connections.
[[nodiscard]] std::string api_balancer_config(const NodeDocument& document);

}  // namespace muster
