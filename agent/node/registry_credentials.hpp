// kubelet's image credential provider: `muster-agent registry-credentials REGISTRY=FILE...` answers
// kubelet's question on standard input from the machine's secret files, at each pull, so that a
// rotated secret counts at once. Protocol: KEP-2133, CredentialProviderRequest and -Response of
// credentialprovider.kubelet.k8s.io/v1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

// `registries`: "REGISTRY=FILE", where FILE holds {"username","password"}. The answer has no
// credential for an image of another registry. Errors never hold what a file says.
[[nodiscard]] Result<std::string> registry_credentials(const Filesystem& files,
                                                       const std::vector<std::string>& registries,
                                                       std::string_view request);

}  // namespace muster
