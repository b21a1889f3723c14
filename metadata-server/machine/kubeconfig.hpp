// A kubeconfig whose credentials are files: clients re-read them, so renewal touches no kubeconfig.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "document/node_document.hpp"

namespace muster {

// `certificate` is a CertificateSpec name: its folder has tls.crt and tls.key.
[[nodiscard]] std::string kubeconfig(std::string_view cluster, std::string_view server,
                                     std::string_view certificate);

// Where this machine's components reach the API: the cluster's endpoint, "https://127.0.0.1:6443"
// where it is node-local.
[[nodiscard]] std::string api_url(const NodeDocument& document);

// On a control plane: its own kube-apiserver, for what must not wait for a balancer (controller
// manager, scheduler, duties, the agent's own checks).
[[nodiscard]] std::string own_apiserver_url(const NodeDocument& document);

}  // namespace muster
