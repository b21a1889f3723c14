#include "document/owned_flags.hpp"

#include <algorithm>
#include <array>

namespace muster {
namespace {

struct OwnedFlag {
  std::string_view component, flag, owner;
};

constexpr std::string_view addresses = "the machine's address in the inventory decides it";
constexpr std::string_view certificates = "Muster issues and renews what it names";
constexpr std::string_view paths = "Muster writes what it names";
constexpr std::string_view members = "the masters in the inventory decide it";
constexpr std::string_view services = "spec.serviceCidr decides it";
constexpr std::string_view pods = "spec.podCidr decides it";
constexpr std::string_view authorization = "Muster writes it, with the banned machines first";
constexpr std::string_view node_settings = "labels and taints in the inventory decide it";

constexpr std::array owned = {
    OwnedFlag{"containerd", "address", paths},
    OwnedFlag{"containerd", "config", paths},
    OwnedFlag{"containerd", "root", paths},
    OwnedFlag{"containerd", "state", paths},
    OwnedFlag{"etcd", "advertise-client-urls", addresses},
    OwnedFlag{"etcd", "cert-file", certificates},
    OwnedFlag{"etcd", "client-cert-auth", certificates},
    OwnedFlag{"etcd", "config-file", paths},
    OwnedFlag{"etcd", "data-dir", paths},
    OwnedFlag{"etcd", "force-new-cluster", "see 'muster cluster reinitialise --help'"},
    OwnedFlag{"etcd", "initial-advertise-peer-urls", addresses},
    OwnedFlag{"etcd", "initial-cluster", members},
    OwnedFlag{"etcd", "initial-cluster-state", members},
    OwnedFlag{"etcd", "initial-cluster-token", members},
    OwnedFlag{"etcd", "key-file", certificates},
    OwnedFlag{"etcd", "listen-client-urls", addresses},
    OwnedFlag{"etcd", "listen-peer-urls", addresses},
    OwnedFlag{"etcd", "name", members},
    OwnedFlag{"etcd", "peer-cert-file", certificates},
    OwnedFlag{"etcd", "peer-client-cert-auth", certificates},
    OwnedFlag{"etcd", "peer-key-file", certificates},
    OwnedFlag{"etcd", "peer-trusted-ca-file", certificates},
    OwnedFlag{"etcd", "trusted-ca-file", certificates},
    OwnedFlag{"kube-apiserver", "advertise-address", addresses},
    OwnedFlag{"kube-apiserver", "anonymous-auth", "Muster allows it for health checks alone"},
    OwnedFlag{"kube-apiserver", "authentication-config", paths},
    OwnedFlag{"kube-apiserver", "authorization-config", authorization},
    OwnedFlag{"kube-apiserver", "authorization-mode", authorization},
    OwnedFlag{"kube-apiserver", "bind-address", "spec.api.mode decides it"},
    OwnedFlag{"kube-apiserver", "client-ca-file", certificates},
    OwnedFlag{"kube-apiserver", "encryption-provider-config", paths},
    OwnedFlag{"kube-apiserver", "etcd-cafile", certificates},
    OwnedFlag{"kube-apiserver", "etcd-certfile", certificates},
    OwnedFlag{"kube-apiserver", "etcd-keyfile", certificates},
    OwnedFlag{"kube-apiserver", "etcd-servers", members},
    OwnedFlag{"kube-apiserver", "kubelet-certificate-authority", certificates},
    OwnedFlag{"kube-apiserver", "kubelet-client-certificate", certificates},
    OwnedFlag{"kube-apiserver", "kubelet-client-key", certificates},
    OwnedFlag{"kube-apiserver", "proxy-client-cert-file", certificates},
    OwnedFlag{"kube-apiserver", "proxy-client-key-file", certificates},
    OwnedFlag{"kube-apiserver", "requestheader-allowed-names", certificates},
    OwnedFlag{"kube-apiserver", "requestheader-client-ca-file", certificates},
    OwnedFlag{"kube-apiserver", "secure-port", "spec.api.port decides it"},
    OwnedFlag{"kube-apiserver", "service-account-key-file", certificates},
    OwnedFlag{"kube-apiserver", "service-account-signing-key-file", certificates},
    OwnedFlag{"kube-apiserver", "service-cluster-ip-range", services},
    OwnedFlag{"kube-apiserver", "tls-cert-file", certificates},
    OwnedFlag{"kube-apiserver", "tls-private-key-file", certificates},
    OwnedFlag{"kube-controller-manager", "allocate-node-cidrs", pods},
    OwnedFlag{"kube-controller-manager", "authentication-kubeconfig", paths},
    OwnedFlag{"kube-controller-manager", "authorization-kubeconfig", paths},
    OwnedFlag{"kube-controller-manager", "client-ca-file", certificates},
    OwnedFlag{"kube-controller-manager", "cluster-cidr", pods},
    OwnedFlag{"kube-controller-manager", "cluster-name", "the Cluster's metadata.name decides it"},
    OwnedFlag{"kube-controller-manager", "kubeconfig", paths},
    OwnedFlag{"kube-controller-manager", "leader-elect", members},
    OwnedFlag{"kube-controller-manager", "requestheader-client-ca-file", certificates},
    OwnedFlag{"kube-controller-manager", "root-ca-file", certificates},
    OwnedFlag{"kube-controller-manager", "service-account-private-key-file", certificates},
    OwnedFlag{"kube-controller-manager", "service-cluster-ip-range", services},
    OwnedFlag{"kube-controller-manager", "use-service-account-credentials",
              "each controller has rights of its own"},
    OwnedFlag{"kube-proxy", "cluster-cidr", pods},
    OwnedFlag{"kube-proxy", "config", paths},
    OwnedFlag{"kube-proxy", "hostname-override", "the Node's metadata.name decides it"},
    OwnedFlag{"kube-proxy", "kubeconfig", paths},
    OwnedFlag{"kube-scheduler", "authentication-kubeconfig", paths},
    OwnedFlag{"kube-scheduler", "authorization-kubeconfig", paths},
    OwnedFlag{"kube-scheduler", "client-ca-file", certificates},
    OwnedFlag{"kube-scheduler", "kubeconfig", paths},
    OwnedFlag{"kube-scheduler", "leader-elect", members},
    OwnedFlag{"kube-scheduler", "requestheader-client-ca-file", certificates},
    OwnedFlag{"kubelet", "bootstrap-kubeconfig", paths},
    OwnedFlag{"kubelet", "config", paths},
    OwnedFlag{"kubelet", "config-dir", "spec.kubelet.extraConfiguration is merged last"},
    OwnedFlag{"kubelet", "container-runtime-endpoint", paths},
    OwnedFlag{"kubelet", "hostname-override", "the Node's metadata.name decides it"},
    OwnedFlag{"kubelet", "image-credential-provider-bin-dir",
              "spec.containerd.registryCredentials decides it"},
    OwnedFlag{"kubelet", "image-credential-provider-config",
              "spec.containerd.registryCredentials decides it"},
    OwnedFlag{"kubelet", "kubeconfig", paths},
    OwnedFlag{"kubelet", "node-ip", addresses},
    OwnedFlag{"kubelet", "node-labels", node_settings},
    OwnedFlag{"kubelet", "register-with-taints", node_settings},
};

}  // namespace

std::string_view owner_of_flag(std::string_view component, std::string_view flag) {
  const auto* found = std::find_if(owned.begin(), owned.end(), [&](const OwnedFlag& entry) {
    return entry.component == component && entry.flag == flag;
  });
  return found == owned.end() ? std::string_view{} : found->owner;
}

}  // namespace muster
