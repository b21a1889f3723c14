// Every rendered file as it lies on a machine: one golden file per output.
#include <doctest/doctest.h>

#include "document/owned_flags.hpp"
#include "fakes/example_document.hpp"
#include "fakes/golden.hpp"
#include "machine/api_balancer_config.hpp"
#include "machine/cni_config.hpp"
#include "machine/containerd_config.hpp"
#include "machine/credential_provider_config.hpp"
#include "machine/etcd.hpp"
#include "machine/kube_apiserver.hpp"
#include "machine/kube_controllers.hpp"
#include "machine/kube_proxy.hpp"
#include "machine/kubeconfig.hpp"
#include "machine/kubelet_config.hpp"
#include "machine/peers.hpp"

using namespace muster;

namespace {

// One flag a line, so that a difference names the flag.
std::string lines(const Arguments& arguments) {
  std::string text;
  for (const std::string& word : arguments.words()) text += word + "\n";
  return text;
}

void check_rendered(const std::string& name, const std::string& text) {
  check_golden("machine/" + name, text);
}

}  // namespace

TEST_CASE("kubelet") {
  const NodeDocument node = example_document(Role::node);
  check_rendered("kubelet.yaml", kubelet_config(node, example_facts()));
  check_rendered("kubelet.args", lines(kubelet_arguments(node)));
  check_rendered("kubelet-registration.args", lines(kubelet_registration_arguments(node)));
  check_rendered("kubelet-registration.master.args",
                 lines(kubelet_registration_arguments(example_document(Role::master))));
}

TEST_CASE("kubelet on a cgroup v1 machine with swap, other policies and thresholds") {
  NodeDocument node = example_document(Role::node);
  node.config.fail_on_swap = false;
  node.config.kubelet.reserved_policy = "eks";
  node.config.kubelet.max_pods = 58;
  node.config.kubelet.eviction_hard = {{"memory.available", "1Gi"}};
  Facts facts = example_facts();
  facts.cgroup_version = 1;
  facts.resolv_conf = "/run/systemd/resolve/resolv.conf";
  check_rendered("kubelet.v1.yaml", kubelet_config(node, facts));
}

TEST_CASE("kubelet drop-in") {
  NodeDocument node = example_document(Role::node);
  check_rendered("kubelet-dropin.empty.conf", kubelet_dropin(node));
  node.config.kubelet.extra_configuration =
      R"({"allowedUnsafeSysctls":["net.core.somaxconn"],"shutdownGracePeriod":"30s","systemReserved":{"pid":"100"}})";
  check_rendered("kubelet-dropin.conf", kubelet_dropin(node));
}

TEST_CASE("a document that says how a shutdown goes says all of it") {
  NodeDocument node = example_document(Role::node);
  const std::string ours = "shutdownGracePeriod";
  CHECK(kubelet_config(node, example_facts()).find(ours) != std::string::npos);
  // With ours beside it kubelet would refuse each of these and exit.
  for (
      const char* extra :
      {R"({"shutdownGracePeriod":"3s"})", R"({"shutdownGracePeriodCriticalPods":"30s"})",
       R"({"shutdownGracePeriodByPodPriority":[{"priority":0,"shutdownGracePeriodSeconds":9}]})"}) {
    node.config.kubelet.extra_configuration = extra;
    CHECK(kubelet_config(node, example_facts()).find(ours) == std::string::npos);
  }
}

TEST_CASE("control plane") {
  const NodeDocument master = example_document(Role::master);
  check_rendered("kube-apiserver.args", lines(kube_apiserver_arguments(master)));
  check_rendered("kube-controller-manager.args", lines(kube_controller_manager_arguments(master)));
  check_rendered("kube-scheduler.args", lines(kube_scheduler_arguments(master)));
  check_rendered("etcd.args", lines(etcd_arguments(master)));
  check_rendered("etcd-start.env", etcd_start_environment({"new", "m1=https://10.77.0.11:2380"}));
  check_rendered("authentication.yaml", authentication_config());
  check_rendered("authorization.yaml", authorization_config({}));
  check_rendered("authorization.banned.yaml", authorization_config({"n1", "n2"}));
  check_rendered("ban.kubeconfig", ban_kubeconfig());
  check_rendered("audit-policy.yaml", audit_policy());
}

// What names a file, an address or another machine is not the operator's to set: an override would
// take one side away from something that Muster keeps equal on both.
TEST_CASE("flags with paths and addresses are owned by Muster") {
  const NodeDocument master = example_document(Role::master);
  const std::map<std::string, Arguments> rendered = {
      {"etcd", etcd_arguments(master)},
      {"kube-apiserver", kube_apiserver_arguments(master)},
      {"kube-controller-manager", kube_controller_manager_arguments(master)},
      {"kube-proxy", kube_proxy_arguments(master)},
      {"kube-scheduler", kube_scheduler_arguments(master)},
      {"kubelet", kubelet_arguments(master)}};
  std::string operators;
  for (const auto& [component, arguments] : rendered) {
    for (const std::string& word : arguments.words()) {
      const std::string flag = word.substr(2, word.find('=') - 2);
      const std::string_view value = arguments.value(flag);
      const bool names = value.starts_with("/") || value.find("://") != std::string_view::npos ||
                         value.find(master.role.address) != std::string_view::npos;
      if (names && owner_of_flag(component, flag).empty())
        operators += component + " " + flag + "\n";
    }
  }
  CHECK(operators ==
        "etcd listen-metrics-urls\n"
        "kube-apiserver service-account-issuer\n"
        "kube-apiserver audit-policy-file\n"
        "kube-apiserver audit-log-path\n");
}

TEST_CASE("an external endpoint") {
  NodeDocument master = example_document(Role::master);
  master.role.cluster.api = {EndpointMode::external, "api.lab.example", 443};
  CHECK(api_url(master) == "https://api.lab.example:443");
  CHECK(own_apiserver_url(master) == "https://10.77.0.11:6443");
  CHECK(kube_apiserver_arguments(master).value("bind-address") == "0.0.0.0");
}

TEST_CASE("a pod network that an addon brings") {
  NodeDocument master = example_document(Role::master);
  CHECK(kube_controller_manager_arguments(master).value("allocate-node-cidrs") == "false");
  master.role.cluster.pod_network = PodNetwork::none;
  const Arguments controllers = kube_controller_manager_arguments(master);
  CHECK(controllers.value("allocate-node-cidrs") == "true");
  CHECK(controllers.value("cluster-cidr") == master.role.cluster.pod_cidr);
  const std::string containerd = containerd_config(master, example_facts());
  CHECK(
      containerd.find("bin_dirs = [\"/opt/cni/bin\", \"/opt/muster/current/cni-plugins/bin\"]\n") !=
      std::string::npos);
}

TEST_CASE("what every machine has") {
  NodeDocument node = example_document(Role::node);
  check_rendered("kube-proxy.yaml", kube_proxy_config(node));
  check_rendered("kubelet.kubeconfig", kubeconfig("lab", api_url(node), "kubelet-client"));
  check_rendered("containerd.toml", containerd_config(node, example_facts()));
  check_rendered("hosts.toml",
                 registry_hosts("docker.io", {"https://mirror.lab:5000", "http://10.77.0.1:5000",
                                              "https://harbor.lab/v2/hub"}));
  check_rendered("cni.conflist", cni_config(node));
  check_rendered("masquerade.nft", masquerade_rules(node));
  check_rendered("kube-api-balancer.cfg", api_balancer_config(node));
  check_rendered("routes", peer_routes(node, example_peers()));
  check_rendered("hosts", peer_hosts(example_peers()));
  node.config.containerd.registry_credentials = {{"registry.lab:5000", "registry"}};
  node.config.secrets = {{"registry", 1, "/etc/muster/secrets/registry", "root", "0600"}};
  check_rendered("credential-provider.yaml", credential_provider_config(node));
}
