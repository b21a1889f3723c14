// containerd's configuration and the registries' hosts.toml. Pure; golden-tested.
// Reference: containerd docs/cri/config.md (version 3, containerd 2.x) and docs/hosts.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "machine/arguments.hpp"
#include "machine/facts.hpp"

namespace muster {

[[nodiscard]] std::string containerd_config(const NodeDocument& document, const Facts& facts);

[[nodiscard]] Arguments containerd_arguments(const NodeDocument& document);

// hosts.toml of one registry: the mirrors in order, then the registry itself.
[[nodiscard]] std::string registry_hosts(std::string_view registry,
                                         const std::vector<std::string>& mirrors);

}  // namespace muster
