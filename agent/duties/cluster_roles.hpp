// The RBAC objects without which a native cluster does not work. Pure.
#pragma once

#include <string>

namespace muster {

// One manifest: the duties' own binding, and kube-apiserver's to the kubelet API (its client
// certificate is no cluster admin since Kubernetes 1.29, so logs and exec would be forbidden).
[[nodiscard]] std::string cluster_roles();

}  // namespace muster
