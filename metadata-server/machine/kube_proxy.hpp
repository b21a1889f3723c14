// kube-proxy's configuration and command line. Pure; golden-tested.
// Reference: kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1.
#pragma once

#include <string>

#include "document/node_document.hpp"
#include "machine/arguments.hpp"

namespace muster {

[[nodiscard]] std::string kube_proxy_config(const NodeDocument& document);
[[nodiscard]] Arguments kube_proxy_arguments(const NodeDocument& document);

}  // namespace muster
