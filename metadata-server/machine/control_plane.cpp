#include "machine/control_plane.hpp"

#include "machine/etcd.hpp"
#include "machine/kube_apiserver.hpp"
#include "machine/kube_controllers.hpp"
#include "machine/kubeconfig.hpp"
#include "machine/kubernetes_release.hpp"
#include "machine/paths.hpp"

namespace muster {
namespace {

// CIS 1.1: what the control plane reads, root alone reads.
void add_private(const std::string& path, std::string content, DesiredState& state) {
  state.files.push_back({path, std::move(content), "root", 0600});
}

void add_own_kubeconfig(const NodeDocument& document, const std::string& name,
                        DesiredState& state) {
  add_private(paths::kubeconfig(name),
              kubeconfig(document.role.cluster.name, own_apiserver_url(document), name), state);
}

void add_etcd(const NodeDocument& document, const EtcdStart& start, DesiredState& state) {
  // It reads its keys anew at each handshake, under a user of its own (units/etcd.service).
  for (CertificateSpec& spec : state.certificates) {
    if (spec.name == "etcd-server" || spec.name == "etcd-peer") spec.owner = etcd_user;
  }
  add_private(paths::arguments_of("etcd"), environment_file(etcd_arguments(document)), state);
  if (!start.initial_cluster.empty()) {
    add_private(paths::arguments_of("etcd-start"), etcd_start_environment(start), state);
  }
  DesiredUnit unit;
  unit.name = "etcd.service";
  unit.restart_on = {paths::arguments_of("etcd"), paths::authority("etcd")};
  unit.releases = {"etcd"};
  // Ready only with a quorum: the other masters may still be in their firmware.
  unit.deadline = std::chrono::seconds(180);
  state.units.push_back(unit);
}

void add_kube_apiserver(const NodeDocument& document, DesiredState& state) {
  const std::string arguments = paths::arguments_of("kube-apiserver");
  add_private(paths::authentication_config, authentication_config(), state);
  add_private(paths::authorization_config, authorization_config(document.config.banned_machines),
              state);
  add_private(paths::ban_kubeconfig, ban_kubeconfig(), state);
  add_private(paths::audit_policy, audit_policy(), state);
  add_private(arguments, environment_file(kube_apiserver_arguments(document)), state);
  DesiredUnit unit;
  unit.name = "kube-apiserver.service";
  // Not the authorization file and not the encryption configuration: both are re-read while
  // running.
  unit.restart_on = {arguments,
                     paths::authentication_config,
                     paths::audit_policy,
                     paths::ban_kubeconfig,
                     paths::authority("cluster"),
                     paths::authority("etcd"),
                     paths::authority("front-proxy"),
                     paths::service_account_key};
  unit.releases = {control_plane_release(document)};
  unit.deadline = std::chrono::seconds(180);
  state.units.push_back(unit);
}

void add_controllers(const NodeDocument& document, DesiredState& state) {
  const auto add = [&](const std::string& name, const Arguments& arguments,
                       std::vector<std::string> more_inputs) {
    add_own_kubeconfig(document, name, state);
    add_private(paths::arguments_of(name), environment_file(arguments), state);
    DesiredUnit unit;
    unit.name = name + ".service";
    unit.restart_on = {paths::arguments_of(name), paths::kubeconfig(name)};
    unit.restart_on.insert(unit.restart_on.end(), more_inputs.begin(), more_inputs.end());
    unit.releases = {control_plane_release(document)};
    unit.deadline = std::chrono::seconds(180);
    state.units.push_back(unit);
  };
  add("kube-controller-manager", kube_controller_manager_arguments(document),
      {paths::authority("cluster"), paths::service_account_key});
  add("kube-scheduler", kube_scheduler_arguments(document), {});
}

}  // namespace

void add_control_plane(const NodeDocument& document, const EtcdStart& etcd, DesiredState& state) {
  add_etcd(document, etcd, state);
  add_kube_apiserver(document, state);
  add_controllers(document, state);
  add_own_kubeconfig(document, "muster-duties", state);
  add_own_kubeconfig(document, "bootstrap-admin", state);
  // etcd: clients, peers, metrics; the API server, the controller manager and the scheduler
  state.ports.insert(state.ports.end(),
                     {2379, 2380, 2381, document.role.cluster.apiserver_port, 10257, 10259});
}

}  // namespace muster
