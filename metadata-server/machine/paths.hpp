// Every path of a machine that a document's desired state names, once. What the agent keeps for
// itself is in agent/paths.hpp.
#pragma once

#include <string>
#include <string_view>

namespace muster::paths {

inline constexpr const char* current = "/opt/muster/current";  // NAME -> ../releases/NAME/VERSION
inline constexpr const char* arguments = "/etc/muster/arguments";  // UNIT.env, one line ARGS=...
inline constexpr const char* kubernetes = "/etc/kubernetes";
inline constexpr const char* kubernetes_pki =
    "/etc/kubernetes/pki";  // NAME -> certificates/NAME/SERIAL
inline constexpr const char* kubelet_config = "/etc/kubernetes/kubelet.yaml";
inline constexpr const char* kubelet_dropins = "/etc/kubernetes/kubelet.conf.d";
inline constexpr const char* containerd_config = "/etc/containerd/config.toml";
inline constexpr const char* cni_config = "/etc/cni/net.d/10-muster.conflist";
inline constexpr const char* addon_cni_plugins = "/opt/cni/bin";
inline constexpr const char* etcd_data = "/var/lib/etcd";
inline constexpr const char* routes = "/etc/muster/routes";  // "CIDR via ADDRESS" a line
inline constexpr const char* hosts = "/etc/muster/hosts";
inline constexpr const char* masquerade = "/etc/muster/masquerade.nft";
inline constexpr const char* balancer_config = "/etc/muster/kube-api-balancer.cfg";
inline constexpr const char* kube_proxy_config = "/etc/kubernetes/kube-proxy.yaml";
inline constexpr const char* authentication_config = "/etc/kubernetes/authentication.yaml";
inline constexpr const char* authorization_config = "/etc/kubernetes/authorization.yaml";
inline constexpr const char* audit_policy = "/etc/kubernetes/audit-policy.yaml";
inline constexpr const char* ban_kubeconfig = "/etc/kubernetes/ban.kubeconfig";      // to nowhere
inline constexpr const char* encryption_config = "/etc/kubernetes/encryption.yaml";  // a secret
inline constexpr const char* service_account_key = "/etc/kubernetes/pki/service-account.key";
inline constexpr const char* credential_provider_config =
    "/etc/kubernetes/credential-provider.yaml";
inline constexpr const char* credential_providers = "/usr/bin";
inline constexpr const char* registry_hosts = "/etc/containerd/certs.d";  // REGISTRY/hosts.toml
inline constexpr const char* containerd_socket = "/run/containerd/containerd.sock";
inline constexpr const char* host_name = "/etc/hostname";
inline constexpr const char* kernel_modules = "/etc/modules-load.d/muster.conf";
inline constexpr const char* kernel_sysctl = "/etc/sysctl.d/90-muster.conf";
inline constexpr const char* kubernetes_logs = "/var/log/kubernetes";

// current/NAME/bin/PROGRAM
[[nodiscard]] inline std::string program(std::string_view release, std::string_view binary) {
  return std::string(current) + "/" + std::string(release) + "/bin/" + std::string(binary);
}

// arguments/NAME.env: the environment file of NAME.service
[[nodiscard]] inline std::string arguments_of(std::string_view name) {
  return std::string(arguments) + "/" + std::string(name) + ".env";
}

// kubernetes/NAME.kubeconfig
[[nodiscard]] inline std::string kubeconfig(std::string_view name) {
  return std::string(kubernetes) + "/" + std::string(name) + ".kubeconfig";
}

// kubernetes_pki/NAME/FILE, where FILE is tls.crt, tls.key or ca.crt
[[nodiscard]] inline std::string certificate(std::string_view name, std::string_view file) {
  return std::string(kubernetes_pki) + "/" + std::string(name) + "/" + std::string(file);
}

// kubernetes_pki/ca-NAME.crt: the trusted CAs of an authority
[[nodiscard]] inline std::string authority(std::string_view name) {
  return std::string(kubernetes_pki) + "/ca-" + std::string(name) + ".crt";
}

}  // namespace muster::paths
