#include "machine/kube_proxy.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"
#include "machine/yaml_text.hpp"

namespace muster {

std::string kube_proxy_config(const NodeDocument& document) {
  nlohmann::ordered_json config = {{"apiVersion", "kubeproxy.config.k8s.io/v1alpha1"},
                                   {"kind", "KubeProxyConfiguration"}};
  config["clientConnection"] = {{"kubeconfig", paths::kubeconfig("kube-proxy")}};
  config["clusterCIDR"] = document.role.cluster.pod_cidr;
  // Zero leaves the kernel's settings alone: they are sysctls of this machine (machine/kernel), and
  // a kube-proxy that may not set one stops.
  config["conntrack"] = {{"maxPerCore", 0},
                         {"min", 0},
                         {"tcpCloseWaitTimeout", "0s"},
                         {"tcpEstablishedTimeout", "0s"}};
  config["healthzBindAddress"] = fmt::format("{}:10256", document.role.address);
  config["hostnameOverride"] = document.role.node;
  config["metricsBindAddress"] = "127.0.0.1:10249";
  config["mode"] = "nftables";
  return yaml_text(config);
}

Arguments kube_proxy_arguments(const NodeDocument& document) {
  Arguments arguments = {{"config", paths::kube_proxy_config}};
  arguments.override_with(document.config.component_arguments, "kube-proxy");
  return arguments;
}

}  // namespace muster
