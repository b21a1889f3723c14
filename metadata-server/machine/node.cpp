#include "machine/node.hpp"

#include "machine/api_balancer_config.hpp"
#include "machine/cni_config.hpp"
#include "machine/containerd_config.hpp"
#include "machine/credential_provider_config.hpp"
#include "machine/kube_proxy.hpp"
#include "machine/kubeconfig.hpp"
#include "machine/kubelet_config.hpp"
#include "machine/kubernetes_release.hpp"
#include "machine/paths.hpp"
#include "machine/peers.hpp"

namespace muster {
namespace {

void add_network(const NodeDocument& document, const PeerList& peers, DesiredState& state) {
  const bool is_routed = document.role.cluster.pod_network == PodNetwork::routed;
  state.files.push_back({paths::routes, peer_routes(document, peers)});
  state.files.push_back({paths::hosts, peer_hosts(peers)});
  DesiredUnit unit;
  unit.name = "muster-routes.service";
  unit.restart_on = {paths::routes, paths::hosts};
  unit.restart_is_harmless = true;
  if (is_routed) {
    // Before kubelet starts, so that the machine is Ready at its first status.
    state.files.push_back({paths::cni_config, cni_config(document), "root", 0600});
    state.files.push_back({paths::masquerade, masquerade_rules(document)});
    unit.restart_on.push_back(paths::masquerade);
  }
  state.units.push_back(unit);
}

void add_containerd(const NodeDocument& document, const Facts& facts, DesiredState& state) {
  state.directories.push_back({paths::registry_hosts});
  state.files.push_back({paths::containerd_config, containerd_config(document, facts)});
  for (const auto& [registry, mirrors] : document.config.containerd.registry_mirrors) {
    // Read at each pull.
    state.files.push_back({fmt::format("{}/{}/hosts.toml", paths::registry_hosts, registry),
                           registry_hosts(registry, mirrors)});
  }
  state.files.push_back(
      {paths::arguments_of("containerd"), environment_file(containerd_arguments(document))});
  DesiredUnit unit;
  unit.name = "containerd.service";
  unit.restart_on = {paths::containerd_config, paths::arguments_of("containerd")};
  unit.releases = {"containerd"};
  // For each new pod: runc and the plugins; libseccomp and nft are of the host's tools.
  unit.tools = {"runc", "cni-plugins", "host-tools"};
  state.units.push_back(unit);
}

void add_balancer(const NodeDocument& document, DesiredState& state) {
  const ApiEndpoint& api = document.role.cluster.api;
  if (api.mode != EndpointMode::node_local) return;
  state.files.push_back({paths::balancer_config, api_balancer_config(document)});
  DesiredUnit unit;
  unit.name = "kube-api-balancer.service";
  unit.reload_on = {paths::balancer_config, paths::authority("cluster")};
  unit.releases = {"haproxy"};
  state.units.push_back(unit);
  if (!is_control_plane(document.role.role)) state.ports.push_back(api.port);
}

// kubelet asks for its CSINode five times within seconds and then pauses for 19 s: it starts when
// the API answers.
void add_await_api(const NodeDocument& document, DesiredState& state) {
  state.files.push_back(
      {paths::arguments_of("await-api"), fmt::format("ARGS={}\n", api_url(document))});
  DesiredUnit unit;
  unit.name = "muster-await-api.service";
  unit.deadline = std::chrono::seconds(180);
  state.units.push_back(unit);
}

void add_kubelet(const NodeDocument& document, const Facts& facts, DesiredState& state) {
  const std::string dropin = fmt::format("{}/10-document.conf", paths::kubelet_dropins);
  const std::string& cluster = document.role.cluster.name;
  state.directories.push_back({paths::kubelet_dropins});
  state.files.push_back({paths::kubelet_config, kubelet_config(document, facts), "root", 0600});
  state.files.push_back({dropin, kubelet_dropin(document), "root", 0600});
  state.files.push_back({paths::kubeconfig("kubelet"),
                         kubeconfig(cluster, api_url(document), "kubelet-client"), "root", 0600});
  state.files.push_back(
      {paths::arguments_of("kubelet"), environment_file(kubelet_arguments(document))});
  state.files.push_back(
      {paths::arguments_of("kubelet-registration"),
       environment_file(kubelet_registration_arguments(document), "REGISTRATION")});
  DesiredUnit unit;
  unit.name = "kubelet.service";
  unit.restart_on = {paths::kubelet_config, dropin, paths::kubeconfig("kubelet"),
                     paths::arguments_of("kubelet")};
  unit.releases = {node_release(document)};
  if (!document.config.containerd.registry_credentials.empty()) {
    state.files.push_back(
        {paths::credential_provider_config, credential_provider_config(document), "root", 0600});
    unit.restart_on.push_back(paths::credential_provider_config);
  }
  state.units.push_back(unit);
}

void add_kube_proxy(const NodeDocument& document, DesiredState& state) {
  const std::string kubeconfig_path = paths::kubeconfig("kube-proxy");
  state.files.push_back({paths::kube_proxy_config, kube_proxy_config(document), "root", 0600});
  state.files.push_back({kubeconfig_path,
                         kubeconfig(document.role.cluster.name, api_url(document), "kube-proxy"),
                         "root", 0600});
  state.files.push_back(
      {paths::arguments_of("kube-proxy"), environment_file(kube_proxy_arguments(document))});
  DesiredUnit unit;
  unit.name = "kube-proxy.service";
  unit.restart_on = {paths::kube_proxy_config, kubeconfig_path, paths::arguments_of("kube-proxy")};
  unit.releases = {node_release(document)};
  unit.tools = {"host-tools"};
  state.units.push_back(unit);
}

}  // namespace

void add_node(const NodeDocument& document, const PeerList& peers, const Facts& facts,
              DesiredState& state) {
  add_network(document, peers, state);
  add_containerd(document, facts, state);
  add_balancer(document, state);
  add_await_api(document, state);
  add_kubelet(document, facts, state);
  add_kube_proxy(document, state);
  // kubelet, its health, kube-proxy's metrics and health
  state.ports.insert(state.ports.end(), {10250, 10248, 10249, 10256});
}

}  // namespace muster
