#include "machine/kubelet_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "machine/paths.hpp"
#include "machine/reserved_resources.hpp"
#include "machine/tls_ciphers.hpp"
#include "machine/yaml_text.hpp"

namespace muster {
namespace {

Json eviction_hard(const KubeletSettings& settings) {
  // Naming one threshold drops kubelet's own defaults for the others to nothing, so all are named.
  std::map<std::string, std::string> thresholds = {{"memory.available", "100Mi"},
                                                   {"nodefs.available", "10%"},
                                                   {"nodefs.inodesFree", "5%"},
                                                   {"imagefs.available", "15%"},
                                                   {"imagefs.inodesFree", "5%"}};
  for (const auto& [signal, threshold] : settings.eviction_hard) thresholds[signal] = threshold;
  return thresholds;
}

Json kube_reserved(const KubeletSettings& settings, const Facts& facts) {
  const ReservedResources reserved = reserved_resources(settings.reserved_policy, facts.cpus,
                                                        facts.memory_bytes, settings.max_pods);
  Json result = Json::object();
  const auto mebibytes = [](std::uint64_t bytes) { return fmt::format("{}Mi", bytes >> 20); };
  if (reserved.cpu_millis > 0) result["cpu"] = fmt::format("{}m", reserved.cpu_millis);
  if (reserved.memory_bytes > 0) result["memory"] = mebibytes(reserved.memory_bytes);
  if (reserved.ephemeral_storage_bytes > 0) {
    result["ephemeral-storage"] = mebibytes(reserved.ephemeral_storage_bytes);
  }
  return result;
}

// logind holds a shutdown back for this long. Kubelet refuses halves of the document's and ours.
bool sets_shutdown(const std::string& extra_configuration) {
  const Json extra = Json::parse(extra_configuration);
  return std::any_of(extra.items().begin(), extra.items().end(), [](const auto& entry) {
    return entry.key().starts_with("shutdownGracePeriod");
  });
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::vector<Taint> node_taints(bool control_plane, std::vector<Taint> taints) {
  const std::string key = "node-role.kubernetes.io/control-plane";
  const bool said = std::any_of(taints.begin(), taints.end(),
                                [&](const Taint& taint) { return taint.key == key; });
  if (control_plane && !said) taints.push_back({key, "", "NoSchedule"});
  return taints;
}

bool is_kubelet_label(std::string_view key) {
  static const std::set<std::string, std::less<>> allowed = {
      "kubernetes.io/hostname",
      "kubernetes.io/os",
      "kubernetes.io/arch",
      "topology.kubernetes.io/zone",
      "topology.kubernetes.io/region",
      "failure-domain.beta.kubernetes.io/zone",
      "failure-domain.beta.kubernetes.io/region",
      "node.kubernetes.io/instance-type",
      "beta.kubernetes.io/instance-type",
      "beta.kubernetes.io/os",
      "beta.kubernetes.io/arch"};
  if (allowed.count(key) > 0) return true;
  const std::string domain = "." + std::string(key.substr(0, key.find('/')));
  if (key.find('/') == std::string_view::npos) return true;
  if (ends_with(domain, ".kubelet.kubernetes.io") || ends_with(domain, ".node.kubernetes.io")) {
    return true;
  }
  return !ends_with(domain, ".kubernetes.io") && !ends_with(domain, ".k8s.io");
}

std::string kubelet_config(const NodeDocument& document, const Facts& facts) {
  const ClusterSettings& cluster = document.role.cluster;
  const KubeletSettings& settings = document.config.kubelet;
  Json config = {{"apiVersion", "kubelet.config.k8s.io/v1beta1"}, {"kind", "KubeletConfiguration"}};
  config["address"] = document.role.address;
  config["authentication"] = {{"anonymous", {{"enabled", false}}},
                              {"webhook", {{"enabled", true}}},
                              {"x509", {{"clientCAFile", paths::authority("cluster")}}}};
  config["authorization"] = {{"mode", "Webhook"}};
  config["cgroupDriver"] = facts.cgroup_version == 1 ? "cgroupfs" : "systemd";
  if (!cluster.cluster_dns.empty()) config["clusterDNS"] = Json::array({cluster.cluster_dns});
  config["clusterDomain"] = cluster.dns_domain;
  config["containerRuntimeEndpoint"] = fmt::format("unix://{}", paths::containerd_socket);
  config["evictionHard"] = eviction_hard(settings);
  if (facts.cgroup_version == 1) config["failCgroupV1"] = false;
  config["failSwapOn"] = document.config.fail_on_swap;
  if (const Json reserved = kube_reserved(settings, facts); !reserved.empty()) {
    config["kubeReserved"] = reserved;
  }
  config["makeIPTablesUtilChains"] = true;
  config["maxPods"] = settings.max_pods;
  config["podPidsLimit"] = 16384;
  config["protectKernelDefaults"] = true;
  config["readOnlyPort"] = 0;
  config["resolvConf"] = facts.resolv_conf;
  // The agent renews both certificates; kubelet re-reads the files.
  config["rotateCertificates"] = false;
  config["seccompDefault"] = true;
  config["serverTLSBootstrap"] = false;
  if (!sets_shutdown(settings.extra_configuration)) {
    config["shutdownGracePeriod"] = "20s";  // the last 5 of them for critical pods
    config["shutdownGracePeriodCriticalPods"] = "5s";
  }
  config["streamingConnectionIdleTimeout"] = "4h0m0s";
  config["tlsCertFile"] = paths::certificate("kubelet-server", "tls.crt");
  config["tlsCipherSuites"] = tls_ciphers();
  config["tlsMinVersion"] = "VersionTLS12";
  config["tlsPrivateKeyFile"] = paths::certificate("kubelet-server", "tls.key");
  return yaml_text(config);
}

std::string kubelet_dropin(const NodeDocument& document) {
  Json dropin = {{"apiVersion", "kubelet.config.k8s.io/v1beta1"}, {"kind", "KubeletConfiguration"}};
  dropin.update(Json::parse(document.config.kubelet.extra_configuration));
  return yaml_text(dropin);
}

Arguments kubelet_arguments(const NodeDocument& document) {
  Arguments arguments = {{"config", paths::kubelet_config},
                         {"config-dir", paths::kubelet_dropins},
                         {"kubeconfig", paths::kubeconfig("kubelet")},
                         {"hostname-override", document.role.node},
                         {"node-ip", document.role.address}};
  if (!document.config.containerd.registry_credentials.empty()) {
    arguments.set("image-credential-provider-config", paths::credential_provider_config);
    arguments.set("image-credential-provider-bin-dir", paths::credential_providers);
  }
  arguments.override_with(document.config.component_arguments, "kubelet");
  return arguments;
}

Arguments kubelet_registration_arguments(const NodeDocument& document) {
  std::vector<std::string> labels;
  for (const auto& [key, value] : document.config.kubelet.labels) {
    if (is_kubelet_label(key)) labels.push_back(key + "=" + value);
  }
  std::vector<std::string> taints;
  for (const Taint& taint :
       node_taints(is_control_plane(document.role.role), document.config.kubelet.taints)) {
    taints.push_back(fmt::format("{}={}:{}", taint.key, taint.value, taint.effect));
  }
  Arguments arguments = {};
  if (!labels.empty()) arguments.set("node-labels", fmt::format("{}", fmt::join(labels, ",")));
  if (!taints.empty()) {
    arguments.set("register-with-taints", fmt::format("{}", fmt::join(taints, ",")));
  }
  return arguments;
}

}  // namespace muster
