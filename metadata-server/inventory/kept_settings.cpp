#include "inventory/kept_settings.hpp"

#include <algorithm>
#include <array>

namespace muster {

namespace {

constexpr std::string_view by_address = "the machine's address in the inventory decides it";
constexpr std::string_view by_certificates = "Muster issues and renews what it names";
constexpr std::string_view by_runtime = "kubelet runs with Muster's containerd";
constexpr std::string_view by_port = "other machines and Muster's own checks reach it there";
constexpr std::string_view by_callers =
    "every caller shows a certificate or a token, and kube-apiserver decides what it may";
constexpr std::string_view by_kernel = "Muster sets the kernel as kubelet demands it";

struct KubeletSetting {
  std::string_view field, flag;  // either may be empty
  std::string_view owner;
  std::string_view ours = {};  // a value that may be written, since it is so already
};

constexpr std::array kubelet_settings = {
    KubeletSetting{"apiVersion", "", "extraConfiguration is a KubeletConfiguration already",
                   "kubelet.config.k8s.io/v1beta1"},
    KubeletSetting{"kind", "", "extraConfiguration is a KubeletConfiguration already",
                   "KubeletConfiguration"},
    KubeletSetting{"address", "address", by_address},
    KubeletSetting{"authentication.anonymous.enabled", "anonymous-auth", by_callers, "false"},
    KubeletSetting{"authentication.webhook.enabled", "authentication-token-webhook", by_callers,
                   "true"},
    KubeletSetting{"authentication.x509.clientCAFile", "client-ca-file", by_certificates},
    KubeletSetting{"authorization.mode", "authorization-mode", by_callers, "Webhook"},
    KubeletSetting{"cgroupDriver", "cgroup-driver",
                   "containerd and kubelet have the driver of the machine's cgroup version"},
    KubeletSetting{"", "cert-dir", by_certificates},
    KubeletSetting{"clusterDNS", "cluster-dns", "spec.serviceCidr and spec.coredns decide it"},
    KubeletSetting{"clusterDomain", "cluster-domain", "spec.dnsDomain decides it"},
    KubeletSetting{"containerRuntimeEndpoint", "", by_runtime},
    KubeletSetting{"imageServiceEndpoint", "image-service-endpoint", by_runtime},
    KubeletSetting{"enableServer", "enable-server", by_port, "true"},
    KubeletSetting{"evictionHard", "eviction-hard", "spec.kubelet.evictionHard decides it"},
    KubeletSetting{"failCgroupV1", "fail-cgroupv1", "Muster sets it by the machine's cgroups"},
    KubeletSetting{"failSwapOn", "fail-swap-on", "spec.swap decides it"},
    KubeletSetting{"healthzBindAddress", "healthz-bind-address", by_port},
    KubeletSetting{"healthzPort", "healthz-port", by_port, "10248"},
    KubeletSetting{"maxPods", "max-pods", "spec.kubelet.maxPods decides it"},
    KubeletSetting{"podCIDR", "pod-cidr", "spec.podCidr decides it"},
    KubeletSetting{"port", "port", by_port, "10250"},
    KubeletSetting{"protectKernelDefaults", "protect-kernel-defaults", by_kernel, "true"},
    KubeletSetting{"readOnlyPort", "read-only-port",
                   "it answers without asking who calls; kube-apiserver reaches port 10250", "0"},
    KubeletSetting{"registerNode", "register-node", "Muster waits for the machine's Node", "true"},
    KubeletSetting{"registerWithTaints", "", "spec.kubelet.taints decides it"},
    KubeletSetting{"resolvConf", "resolv-conf", "Muster names the machine's own"},
    KubeletSetting{"rotateCertificates", "rotate-certificates", by_certificates, "false"},
    KubeletSetting{"runOnce", "runonce", "kubelet has to go on", "false"},
    KubeletSetting{"seccompDefault", "seccomp-default",
                   "pods run with the runtime's seccomp profile; one that needs none says so",
                   "true"},
    KubeletSetting{"serverTLSBootstrap", "rotate-server-certificates", by_certificates, "false"},
    KubeletSetting{"tlsCertFile", "tls-cert-file", by_certificates},
    KubeletSetting{"tlsPrivateKeyFile", "tls-private-key-file", by_certificates},
};

constexpr std::string_view no_static_tokens = "such tokens never end; service accounts have others";
constexpr std::string_view one_authentication =
    "kube-apiserver refuses it beside the authentication configuration, which Muster writes";
constexpr std::string_view one_authorization =
    "kube-apiserver refuses it beside the authorization configuration, which Muster writes";

struct KeptFlag {
  std::string_view component, flag, owner;
};

constexpr std::array kept_flags = {
    KeptFlag{"etcd", "auto-tls", by_certificates},
    KeptFlag{"etcd", "peer-auto-tls", by_certificates},
    KeptFlag{"etcd", "listen-client-http-urls", by_address},
    KeptFlag{"etcd", "listen-metrics-urls", "Muster's own checks reach it there"},
    KeptFlag{"etcd", "experimental-initial-corrupt-check",
             "feature-gates has InitialCorruptCheck, which Muster sets"},
    KeptFlag{"etcd", "unsafe-no-fsync", "a power cut would lose what was written"},
    KeptFlag{"kube-apiserver", "admission-control",
             "enable-admission-plugins adds to the defaults"},
    KeptFlag{"kube-apiserver", "authentication-token-webhook-config-file", one_authentication},
    KeptFlag{"kube-apiserver", "authorization-policy-file", one_authorization},
    KeptFlag{"kube-apiserver", "authorization-webhook-config-file", one_authorization},
    KeptFlag{"kube-apiserver", "cert-dir", by_certificates},
    KeptFlag{"kube-apiserver", "token-auth-file", no_static_tokens},
    KeptFlag{"kube-controller-manager", "authentication-skip-lookup", by_callers},
    KeptFlag{"kube-controller-manager", "cert-dir", by_certificates},
    KeptFlag{"kube-controller-manager", "requestheader-allowed-names", by_certificates},
    KeptFlag{"kube-controller-manager", "secure-port", by_port},
    KeptFlag{"kube-proxy", "cleanup", "kube-proxy would take its rules away and exit"},
    KeptFlag{"kube-proxy", "init-only", "kube-proxy would exit"},
    KeptFlag{"kube-proxy", "write-config-to", "kube-proxy would exit"},
    KeptFlag{"kube-scheduler", "authentication-skip-lookup", by_callers},
    KeptFlag{"kube-scheduler", "cert-dir", by_certificates},
    KeptFlag{"kube-scheduler", "requestheader-allowed-names", by_certificates},
    KeptFlag{"kube-scheduler", "secure-port", by_port},
    KeptFlag{"kube-scheduler", "write-config-to", "kube-scheduler would exit"},
};

std::string_view weakness(std::string_view component, std::string_view flag,
                          std::string_view value) {
  if (flag == "tls-min-version" && (value == "VersionTLS10" || value == "VersionTLS11"))
    return "VersionTLS12 and VersionTLS13 are left";
  if (component == "kube-controller-manager" && flag == "controllers") {
    for (const std::string_view name : {"certificatesigningrequest-approving-controller",
                                        "certificatesigningrequest-signing-controller"}) {
      if (has_entry(value, name)) return "Muster issues certificates; leave it out";
    }
  }
  if (component != "kube-apiserver") return {};
  if (flag == "disable-admission-plugins") {
    if (has_entry(value, "NodeRestriction"))
      return "without NodeRestriction a machine could change every other; leave it out";
    if (has_entry(value, "NamespaceLifecycle") || has_entry(value, "ServiceAccount"))
      return "the cluster's own controllers build on NamespaceLifecycle and ServiceAccount; leave them out";
  }
  if (flag == "enable-admission-plugins" && has_entry(value, "AlwaysAdmit"))
    return "AlwaysAdmit admits everything; leave it out";
  if (flag == "service-account-lookup" && value == "false")
    return "tokens of deleted service accounts would go on to be taken; leave it out";
  return {};
}

}  // namespace

bool has_entry(std::string_view list, std::string_view entry) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (list.substr(0, comma) == entry) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

Kept kept_flag(std::string_view component, std::string_view flag, std::string_view value) {
  constexpr std::string_view others = "a flag that is the operator's";
  if (component == "kubelet") {
    for (const KubeletSetting& setting : kubelet_settings) {
      if (setting.flag != flag || (!setting.ours.empty() && setting.ours == value)) continue;
      return {others, setting.owner};
    }
  }
  for (const KeptFlag& entry : kept_flags) {
    if (entry.component == component && entry.flag == flag) return {others, entry.owner};
  }
  if (component == "etcd" && flag.starts_with("discovery"))
    return {others, "the masters in the inventory decide it"};
  if (component == "kube-apiserver" && flag.starts_with("oidc-"))
    return {others, one_authentication};
  const std::string_view reason = weakness(component, flag, value);
  if (reason.empty()) return {};
  return {"a value that takes no protection away", reason};
}

std::string_view kept_kubelet_field(std::string_view field, std::string_view value) {
  if (field == "tlsMinVersion") return weakness("kubelet", "tls-min-version", value);
  const auto* found =
      std::find_if(kubelet_settings.begin(), kubelet_settings.end(),
                   [&](const KubeletSetting& setting) { return setting.field == field; });
  if (field.empty() || found == kubelet_settings.end()) return {};
  const bool is_ours = !found->ours.empty() && found->ours == value;
  return is_ours ? std::string_view{} : found->owner;
}

bool is_passed_over(std::string_view component, std::string_view flag) {
  return component == "kube-proxy" && flag != "v" && flag != "vmodule" && !flag.starts_with("log");
}

std::string_view successor_of_flag(std::string_view component, std::string_view flag) {
  if (component == "kubelet" && flag == "pod-infra-container-image")
    return "spec.containerd.sandboxImage decides it";
  if (component == "kubelet" && (flag == "container-runtime" || flag == "network-plugin"))
    return "Muster's containerd and its pod network decide it";
  return {};
}

}  // namespace muster
