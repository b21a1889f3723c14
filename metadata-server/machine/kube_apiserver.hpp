// kube-apiserver's command line and the configuration files it names. Pure; golden-tested.
// Kubernetes 1.34 or later: structured authentication and authorization are v1 since then.
#pragma once

#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "machine/arguments.hpp"

namespace muster {

[[nodiscard]] Arguments kube_apiserver_arguments(const NodeDocument& document);

// AuthenticationConfiguration: anonymous requests reach the three health paths and nothing else, so
// that balancers need no credential.
[[nodiscard]] std::string authentication_config();

// AuthorizationConfiguration: Node and RBAC, and before them, when somebody is banned, an entry
// that denies every member of a banned machine's group. kube-apiserver re-reads it within a second.
[[nodiscard]] std::string authorization_config(const std::vector<std::string>& banned_machines);

// The kubeconfig of that entry's webhook: a loopback port on which nothing listens.
[[nodiscard]] std::string ban_kubeconfig();

// Who changed what, at level Metadata, so that no secret is in the log; reads of Secrets too.
[[nodiscard]] std::string audit_policy();

// The group in every credential of a machine that faces kube-apiserver.
[[nodiscard]] std::string machine_group(std::string_view machine);

}  // namespace muster
