// kubelet's CredentialProviderConfig: registry credentials come from the secrets' files through the
// provider program `registry-credentials` (units/credential-providers). Pure.
#pragma once

#include <string>

#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] std::string credential_provider_config(const NodeDocument& document);

}  // namespace muster
