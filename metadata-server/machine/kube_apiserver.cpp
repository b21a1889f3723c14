#include "machine/kube_apiserver.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"
#include "machine/tls_ciphers.hpp"
#include "machine/yaml_text.hpp"

namespace muster {
namespace {

void set_addresses(const NodeDocument& document, Arguments& arguments) {
  const ClusterSettings& cluster = document.role.cluster;
  arguments.set("advertise-address", document.role.address);
  // The node-local balancer has 127.0.0.1, with the same port or another one.
  const bool has_balancer = cluster.api.mode == EndpointMode::node_local;
  arguments.set("bind-address", has_balancer ? document.role.address : "0.0.0.0");
  arguments.set("secure-port", std::to_string(cluster.apiserver_port));
  arguments.set("service-cluster-ip-range", cluster.service_cidr);
}

void set_authentication(const ClusterSettings& cluster, Arguments& arguments) {
  arguments.set("authentication-config", paths::authentication_config);
  arguments.set("client-ca-file", paths::authority("cluster"));
  arguments.set("service-account-issuer",
                fmt::format("https://kubernetes.default.svc.{}", cluster.dns_domain));
  // The public half is taken from the private key's file.
  arguments.set("service-account-key-file", paths::service_account_key);
  arguments.set("service-account-signing-key-file", paths::service_account_key);
  // A pod's token ends when it says: kubelet renews it, and clients read the file again.
  arguments.set("service-account-extend-token-expiration", "false");
  arguments.set("requestheader-allowed-names", "front-proxy-client");
  arguments.set("requestheader-client-ca-file", paths::authority("front-proxy"));
  arguments.set("requestheader-extra-headers-prefix", "X-Remote-Extra-");
  arguments.set("requestheader-group-headers", "X-Remote-Group");
  arguments.set("requestheader-username-headers", "X-Remote-User");
  arguments.set("proxy-client-cert-file", paths::certificate("front-proxy-client", "tls.crt"));
  arguments.set("proxy-client-key-file", paths::certificate("front-proxy-client", "tls.key"));
}

void set_authorization(Arguments& arguments) {
  arguments.set("authorization-config", paths::authorization_config);
  arguments.set("enable-admission-plugins", "NodeRestriction");
  arguments.set("allow-privileged", "true");
}

void set_audit(Arguments& arguments) {
  arguments.set("audit-policy-file", paths::audit_policy);
  arguments.set("audit-log-path", fmt::format("{}/audit.log", paths::kubernetes_logs));
  arguments.set("audit-log-maxage", "30");
  arguments.set("audit-log-maxbackup", "10");
  arguments.set("audit-log-maxsize", "100");
}

void set_storage(Arguments& arguments) {
  // Its own member alone: a kube-apiserver without its etcd is of no use, and the balancer and the
  // clients go to the other masters.
  arguments.set("etcd-servers", "https://127.0.0.1:2379");
  arguments.set("etcd-cafile", paths::authority("etcd"));
  arguments.set("etcd-certfile", paths::certificate("etcd-client", "tls.crt"));
  arguments.set("etcd-keyfile", paths::certificate("etcd-client", "tls.key"));
  arguments.set("encryption-provider-config", paths::encryption_config);
  arguments.set("encryption-provider-config-automatic-reload", "true");
}

void set_kubelet_access(Arguments& arguments) {
  const char* name = "kube-apiserver-kubelet-client";
  arguments.set("kubelet-certificate-authority", paths::authority("cluster"));
  arguments.set("kubelet-client-certificate", paths::certificate(name, "tls.crt"));
  arguments.set("kubelet-client-key", paths::certificate(name, "tls.key"));
  arguments.set("kubelet-preferred-address-types", "InternalIP,Hostname");
}

void set_serving(Arguments& arguments) {
  arguments.set("tls-cert-file", paths::certificate("kube-apiserver", "tls.crt"));
  arguments.set("tls-private-key-file", paths::certificate("kube-apiserver", "tls.key"));
  arguments.set("tls-min-version", "VersionTLS12");
  arguments.set("tls-cipher-suites", fmt::format("{}", fmt::join(tls_ciphers(), ",")));
  arguments.set("profiling", "false");
}

Json ban_entry(const std::vector<std::string>& banned_machines) {
  std::vector<std::string> groups;
  for (const std::string& machine : banned_machines) {
    groups.push_back("'" + machine_group(machine) + "'");
  }
  // Nothing listens at the webhook's address: the entry decides by failing, and only for those whom
  // the condition matches.
  Json webhook = {{"timeout", "1s"},
                  {"authorizedTTL", "30s"},
                  {"unauthorizedTTL", "30s"},
                  {"subjectAccessReviewVersion", "v1"},
                  {"matchConditionSubjectAccessReviewVersion", "v1"},
                  {"failurePolicy", "Deny"}};
  webhook["connectionInfo"] = {{"type", "KubeConfigFile"},
                               {"kubeConfigFile", paths::ban_kubeconfig}};
  webhook["matchConditions"] =
      Json::array({{{"expression", fmt::format("[{}].exists(banned, banned in request.groups)",
                                               fmt::join(groups, ", "))}}});
  return {{"type", "Webhook"}, {"name", "banned-machines"}, {"webhook", webhook}};
}

}  // namespace

Arguments kube_apiserver_arguments(const NodeDocument& document) {
  Arguments arguments = {};
  set_addresses(document, arguments);
  set_serving(arguments);
  set_authentication(document.role.cluster, arguments);
  set_authorization(arguments);
  set_audit(arguments);
  set_storage(arguments);
  set_kubelet_access(arguments);
  arguments.override_with(document.config.component_arguments, "kube-apiserver");
  // Without it a machine could change every other one's Node.
  arguments.keep_entries("enable-admission-plugins", {"NodeRestriction"});
  return arguments;
}

std::string authentication_config() {
  const Json config = {
      {"apiVersion", "apiserver.config.k8s.io/v1"},
      {"kind", "AuthenticationConfiguration"},
      {"anonymous",
       {{"enabled", true},
        {"conditions", {{{"path", "/healthz"}}, {{"path", "/livez"}}, {{"path", "/readyz"}}}}}}};
  return yaml_text(config);
}

std::string authorization_config(const std::vector<std::string>& banned_machines) {
  Json authorizers = Json::array();
  if (!banned_machines.empty()) authorizers.push_back(ban_entry(banned_machines));
  authorizers.push_back({{"type", "Node"}, {"name", "node"}});
  authorizers.push_back({{"type", "RBAC"}, {"name", "rbac"}});
  return yaml_text({{"apiVersion", "apiserver.config.k8s.io/v1"},
                    {"kind", "AuthorizationConfiguration"},
                    {"authorizers", authorizers}});
}

std::string ban_kubeconfig() {
  const Json config = {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"clusters",
       Json::array({{{"name", "nowhere"}, {"cluster", {{"server", "https://127.0.0.1:1"}}}}})},
      {"contexts", Json::array({{{"name", "nowhere"}, {"context", {{"cluster", "nowhere"}}}}})},
      {"current-context", "nowhere"}};
  return yaml_text(config);
}

std::string audit_policy() {
  return R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/metrics"]
# What machines and controllers write all day: renewals, statuses, events.
- level: None
  resources:
  - {group: coordination.k8s.io, resources: [leases]}
  - {group: "", resources: [events]}
  - {group: events.k8s.io, resources: [events]}
- level: None
  userGroups: ["system:nodes"]
  verbs: [update, patch]
  resources:
  - {group: "", resources: [nodes/status, pods/status]}
- level: Metadata
  resources:
  - {group: "", resources: [secrets, serviceaccounts/token]}
# What enters a pod or passes through a machine, whoever asks and by whichever verb: a WebSocket is a GET.
- level: Metadata
  resources:
  - group: ""
    resources: [pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
# Reads by people: named operators.
- level: Metadata
  userGroups: ["muster:operators"]
- level: None
)";
}

std::string machine_group(std::string_view machine) {
  return fmt::format("muster:machine:{}", machine);
}

}  // namespace muster
