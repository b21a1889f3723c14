// The pod network of one machine where it is "routed": bridge, addresses from the machine's own pod
// network, host ports. Pure; golden-tested. Reference: containernetworking/plugins.
#pragma once

#include <string>

#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] std::string cni_config(const NodeDocument& document);

// nftables rules: what pods send outside the cluster's pod network leaves with the machine's
// address. The bridge plugin's own ipMasq would also rewrite what pods send to pods on other
// machines, so it is off. Loading the file again replaces the table.
[[nodiscard]] std::string masquerade_rules(const NodeDocument& document);

}  // namespace muster
