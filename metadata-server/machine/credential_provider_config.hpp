// kubelet's CredentialProviderConfig: registry credentials come from the secrets' files through the
// agent itself, `muster-agent registry-credentials`. Pure.
#pragma once

#include <string>

#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] std::string credential_provider_config(const NodeDocument& document);

}  // namespace muster
