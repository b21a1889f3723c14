#include "machine/kube_controllers.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"
#include "machine/tls_ciphers.hpp"

namespace muster {
namespace {

Arguments controller_arguments(const std::string& component) {
  const std::string kubeconfig = paths::kubeconfig(component);
  return {{"kubeconfig", kubeconfig},
          {"authentication-kubeconfig", kubeconfig},
          {"authorization-kubeconfig", kubeconfig},
          // Said here rather than looked up in the API server, which would refuse the lookup until
          // its own roles are bound, and the component would exit.
          {"authentication-skip-lookup", "true"},
          {"client-ca-file", paths::authority("cluster")},
          {"requestheader-client-ca-file", paths::authority("front-proxy")},
          {"requestheader-allowed-names", "front-proxy-client"},
          {"bind-address", "127.0.0.1"},
          {"leader-elect", "true"},
          {"profiling", "false"},
          {"tls-min-version", "VersionTLS12"},
          {"tls-cipher-suites", fmt::format("{}", fmt::join(tls_ciphers(), ","))}};
}

}  // namespace

Arguments kube_controller_manager_arguments(const NodeDocument& document) {
  const ClusterSettings& cluster = document.role.cluster;
  Arguments arguments = controller_arguments("kube-controller-manager");
  arguments.set("cluster-name", cluster.name);
  // Routed pod networks come from the inventory; a network addon such as flannel reads its own from
  // the Node object.
  const bool allocates = cluster.pod_network == PodNetwork::none;
  arguments.set("allocate-node-cidrs", allocates ? "true" : "false");
  if (allocates) arguments.set("cluster-cidr", cluster.pod_cidr);
  arguments.set("service-cluster-ip-range", cluster.service_cidr);
  arguments.set("root-ca-file", paths::authority("cluster"));
  arguments.set("service-account-private-key-file", paths::service_account_key);
  arguments.set("use-service-account-credentials", "true");
  arguments.set(
      "controllers",
      "*,-certificatesigningrequest-approving-controller,-certificatesigningrequest-signing-controller");
  arguments.override_with(document.config.component_arguments, "kube-controller-manager");
  arguments.keep_entries("controllers", {"-certificatesigningrequest-approving-controller",
                                         "-certificatesigningrequest-signing-controller"});
  return arguments;
}

Arguments kube_scheduler_arguments(const NodeDocument& document) {
  Arguments arguments = controller_arguments("kube-scheduler");
  arguments.override_with(document.config.component_arguments, "kube-scheduler");
  return arguments;
}

}  // namespace muster
