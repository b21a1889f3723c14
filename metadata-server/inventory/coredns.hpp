// The default addon: cluster DNS. Pure.
#pragma once

#include <string>
#include <string_view>

#include "document/node_document.hpp"

namespace muster {

// The manifest for this version of the coredns release, serving `dns_domain` at `cluster_dns`.
// `is_spread`: two replicas on different machines, with a disruption budget; for a cluster that has
// two.
[[nodiscard]] AddonSpec coredns_addon(std::string_view version, std::string_view dns_domain,
                                      std::string_view cluster_dns, bool is_spread);

}  // namespace muster
