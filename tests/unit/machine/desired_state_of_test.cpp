#include "machine/desired_state_of.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "fakes/example_document.hpp"
#include "machine/paths.hpp"

using namespace muster;

namespace {

DesiredState desired(const NodeDocument& document, const Facts& facts = example_facts()) {
  const auto state =
      desired_state_of(document, example_peers(), facts, {"new", "m1=https://10.77.0.11:2380"});
  REQUIRE(state.has_value());
  return *state;
}

std::vector<std::string> unit_names(const DesiredState& state) {
  std::vector<std::string> names;
  for (const DesiredUnit& unit : state.units) names.push_back(unit.name);
  return names;
}

const DesiredFile* file(const DesiredState& state, const std::string& path) {
  for (const DesiredFile& entry : state.files) {
    if (entry.path == path) return &entry;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a node runs the runtime, kubelet, kube-proxy and the balancer") {
  const DesiredState state = desired(example_document(Role::node));
  CHECK(unit_names(state) == std::vector<std::string>{"muster-kernel.service",
                                                      "muster-routes.service", "containerd.service",
                                                      "kube-api-balancer.service",
                                                      "muster-await-api.service", "kubelet.service",
                                                      "kube-proxy.service"});
  CHECK(state.ports == std::vector<std::uint16_t>{6443, 10250, 10248, 10249, 10256});
  CHECK(file(state, paths::kubeconfig("muster-duties")) == nullptr);
}

TEST_CASE("a pool's member takes the name that the server chose") {
  NodeDocument document = example_document(Role::node);
  CHECK(file(desired(document), paths::host_name) == nullptr);
  document.role.pool = "workers";
  const DesiredState state = desired(document);
  REQUIRE(file(state, paths::host_name) != nullptr);
  CHECK(file(state, paths::host_name)->content == "n1\n");
  CHECK(unit_names(state)[1] == "muster-hostname.service");
}

TEST_CASE("master and follower run the control plane too, with nothing but etcd's start apart") {
  for (const Role role : {Role::master, Role::follower}) {
    const DesiredState state = desired(example_document(role));
    CHECK(unit_names(state) ==
          std::vector<std::string>{
              "muster-kernel.service", "etcd.service", "kube-apiserver.service",
              "kube-controller-manager.service", "kube-scheduler.service", "muster-routes.service",
              "containerd.service", "kube-api-balancer.service", "muster-await-api.service",
              "kubelet.service", "kube-proxy.service"});
    REQUIRE(file(state, paths::arguments_of("etcd-start")) != nullptr);
    for (const DesiredUnit& entry : state.units) {
      const auto& inputs = entry.restart_on;
      CHECK(std::count(inputs.begin(), inputs.end(), paths::arguments_of("etcd-start")) == 0);
    }
  }
  const auto without =
      desired_state_of(example_document(), example_peers(), example_facts(), EtcdStart{});
  REQUIRE(without.has_value());
  CHECK(file(*without, paths::arguments_of("etcd-start")) == nullptr);
}

TEST_CASE("the pod network's configuration is root's alone, as what it is made from") {
  const DesiredState state = desired(example_document(Role::node));
  REQUIRE(file(state, paths::cni_config) != nullptr);
  CHECK(file(state, paths::cni_config)->mode == 0600);
  CHECK(file(state, paths::cni_config)->owner == "root");
}

TEST_CASE("etcd's own two keys are its user's, and no other") {
  NodeDocument master = example_document(Role::master);
  master.certificates.clear();
  for (const char* name : {"etcd-server", "etcd-peer", "etcd-client", "kube-apiserver"}) {
    master.certificates.emplace_back().name = name;
  }
  const DesiredState state = desired(master);
  std::string owners;
  for (const CertificateSpec& spec : state.certificates)
    owners += spec.name + " " + spec.owner + "\n";
  CHECK(owners == "etcd-server etcd\netcd-peer etcd\netcd-client root\nkube-apiserver root\n");
}

TEST_CASE("every input of a unit is a file or a secret of the same state") {
  for (const Role role : {Role::master, Role::follower, Role::node}) {
    const DesiredState state = desired(example_document(role));
    std::set<std::string> there;
    for (const DesiredFile& entry : state.files) CHECK(there.insert(entry.path).second);
    for (const SecretReference& secret : state.secrets) there.insert(secret.path);
    for (const DesiredUnit& entry : state.units) {
      for (const auto* inputs : {&entry.restart_on, &entry.reload_on}) {
        for (const std::string& path : *inputs) {
          CAPTURE(entry.name);
          CAPTURE(path);
          CHECK(there.count(path) == 1);
        }
      }
    }
  }
}

TEST_CASE("what restarts nothing: labels, taints, peers, masters, bans") {
  const auto changed_inputs = [](const DesiredState& before, const DesiredState& after) {
    std::vector<std::string> units;
    for (const DesiredUnit& entry : after.units) {
      if (entry.restart_is_harmless) continue;
      for (const std::string& path : entry.restart_on) {
        const DesiredFile* old_file = file(before, path);
        const DesiredFile* new_file = file(after, path);
        if (old_file != nullptr && new_file != nullptr && old_file->content != new_file->content) {
          units.push_back(entry.name);
        }
      }
    }
    return units;
  };
  const NodeDocument document = example_document();
  const DesiredState before = desired(document);

  NodeDocument changed = document;
  changed.config.kubelet.labels["zone"] = "b";
  changed.config.kubelet.taints.clear();
  changed.config.banned_machines = {"n9"};
  changed.role.cluster.masters.push_back({"m3", "10.77.0.13"});
  CHECK(changed_inputs(before, desired(changed)).empty());

  changed.config.kubelet.max_pods = 50;
  CHECK(changed_inputs(before, desired(changed)) == std::vector<std::string>{"kubelet.service"});
}

TEST_CASE("pod network none and an external endpoint leave out what they do not need") {
  NodeDocument document = example_document(Role::node);
  document.role.cluster.pod_network = PodNetwork::none;
  document.role.cluster.api = {EndpointMode::external, "api.lab.example", 6443};
  document.config.releases.erase(
      std::remove_if(document.config.releases.begin(), document.config.releases.end(),
                     [](const ReleaseReference& release) {
                       return release.name == "cni-plugins" || release.name == "haproxy";
                     }),
      document.config.releases.end());
  const DesiredState state = desired(document);
  CHECK(file(state, paths::cni_config) == nullptr);
  CHECK(file(state, paths::masquerade) == nullptr);
  CHECK(file(state, paths::balancer_config) == nullptr);
  CHECK(file(state, paths::routes)->content.empty());
}

TEST_CASE("trusted CAs are bundles, so that rotating one is adding one") {
  NodeDocument document = example_document(Role::node);
  document.role.cluster.authorities["cluster"] = {"old\n", "new"};
  const DesiredState state = desired(document);
  CHECK(file(state, "/etc/kubernetes/pki/ca-cluster.crt")->content == "old\nnew\n");
}

TEST_CASE("programs come from the release that the document lists, divided or from before that") {
  const auto releases_of = [](const DesiredState& state) {
    std::set<std::string> releases;
    for (const DesiredUnit& unit : state.units) {
      for (const auto& name : unit.releases) releases.insert(unit.name + " " + name);
    }
    return releases;
  };
  NodeDocument document = example_document();
  auto releases = releases_of(desired(document));
  CHECK(releases.contains("kubelet.service kubernetes-node"));
  CHECK(releases.contains("kube-proxy.service kubernetes-node"));
  CHECK(releases.contains("kube-apiserver.service kubernetes-control-plane"));
  CHECK(releases.contains("kube-controller-manager.service kubernetes-control-plane"));
  CHECK(releases.contains("kube-scheduler.service kubernetes-control-plane"));

  auto& listed = document.config.releases;
  std::erase_if(listed, [](const auto& one) { return one.name == "kubernetes-control-plane"; });
  const auto half = desired_state_of(document, example_peers(), example_facts(), EtcdStart{});
  REQUIRE_FALSE(half.has_value());
  CHECK(
      half.error().message ==
      "/config/releases: expected a release 'kubernetes-control-plane', which the role master runs, found none; import it with `muster release import` and apply the inventory again");

  for (auto& one : listed) {
    if (one.name == "kubernetes-node") one.name = "kubernetes";
  }
  releases = releases_of(desired(document));
  CHECK(releases.contains("kubelet.service kubernetes"));
  CHECK(releases.contains("kube-scheduler.service kubernetes"));
}

TEST_CASE("all problems at once") {
  NodeDocument document = example_document();
  for (ReleaseReference& release : document.config.releases) {
    if (release.name == "kubernetes-node") release.version = "1.33.1";
    if (release.name == "etcd") release.name = "other";
  }
  document.config.files = {{"/etc/kubernetes/kubelet.yaml", "x", "root", "0644"},
                           {"/etc/motd", "hello", "root", "0644"}};
  const auto state = desired_state_of(document, example_peers(), example_facts(), EtcdStart{});
  REQUIRE_FALSE(state.has_value());
  CHECK(state.error().kind == ErrorKind::invalid);
  CHECK(
      state.error().message ==
      "/config/releases: expected a release 'etcd', which the role master runs, found none; import it with `muster release import` and apply the inventory again\n"
      "/config/releases: expected kubernetes-node 1.34 or later (structured authentication is v1 since then), found '1.33.1'\n"
      "/config/files/0: expected a path that Muster does not write itself, found '/etc/kubernetes/kubelet.yaml'; use the setting it comes from");
}

// The server asks before it signs, and knows no machine's facts.
TEST_CASE("what is refused depends on the document alone") {
  NodeDocument document = example_document();
  document.config.files = {{"/etc/kubernetes/kubelet.yaml", "x", "root", "0644"}};
  const std::string message =
      desired_state_of(document, example_peers(), example_facts(), EtcdStart{}).error().message;
  Facts poor;
  poor.cgroup_version = 1;
  poor.swap_on = true;
  for (const Facts& facts : {Facts(), poor}) {
    CHECK(desired_state_of(example_document(), PeerList{}, facts, EtcdStart{}).has_value());
    const auto refused = desired_state_of(document, PeerList{}, facts, EtcdStart{});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == message);
  }
}
