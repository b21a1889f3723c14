// The RBAC objects without which a native cluster does not work. Pure.
#pragma once

#include <string>

namespace muster {

// They are applied as an addon of this name; none of the inventory can be called so.
inline constexpr const char* roles_addon = "muster_roles";

// One manifest: the duties' own binding, and kube-apiserver's to the kubelet API (its client
// certificate is no cluster admin since Kubernetes 1.29, so logs and exec would be forbidden).
[[nodiscard]] std::string cluster_roles();

}  // namespace muster
