// Which releases of a document Kubernetes' programs come from. Pure.
#pragma once

#include <string>
#include <string_view>

#include "document/node_document.hpp"

namespace muster {

// The version of the release of this name in the document; empty when it lists none.
[[nodiscard]] std::string release_version(const NodeDocument& document, std::string_view release);

// kubernetes-node, or kubernetes where the document lists that one alone: it is from before the two
// were apart. Of a document that lists none of them, the first.
[[nodiscard]] std::string node_release(const NodeDocument& document);
// The same for kubernetes-control-plane.
[[nodiscard]] std::string control_plane_release(const NodeDocument& document);

}  // namespace muster
