#include "sample_inventory.hpp"

using namespace muster;
using sample::node;
using sample::problems;
using sample::small_cluster;

TEST_CASE("the three example inventories are sound") {
  CHECK(sample::example("lab").nodes.size() == 5);
  CHECK(sample::example("racks").nodes.size() == 11);
  CHECK(sample::example("gpu-towers").nodes.size() == 4);
  CHECK(to_text(sample::example("racks").warnings) == "");
}

TEST_CASE("flags that Muster decides are refused, and what decides them is said") {
  const std::string text = small_cluster() + R"(  componentArguments:
    etcd: {force-new-cluster: true, snapshot-count: 5000}
    kube-apiserver: {service-cluster-ip-range: 10.0.0.0/24}
)";
  CHECK(
      problems({{"cluster.yaml", text}, {"m1.yaml", node("m1", "master", "10.77.0.11")}}) ==
      R"(cluster.yaml:10:12: spec.componentArguments[etcd][force-new-cluster]: expected a flag that is the operator's, found 'force-new-cluster'; see 'muster cluster reinitialise --help'
cluster.yaml:11:22: spec.componentArguments[kube-apiserver][service-cluster-ip-range]: expected a flag that is the operator's, found 'service-cluster-ip-range'; spec.serviceCidr decides it
)");
}

TEST_CASE("every problem of fields is told at once with its place") {
  CHECK(
      problems({{"cluster.yaml", R"(apiVersion: muster/v2
kind: Cluster
metadata:
  name: Lab
spec:
  kubernetesVersion: "1.36"
  podCidr: 10.64.0.0/99
  podCird: 10.64.0.0/16
  serviceCidr: 10.96.0.0/8
  api: {mode: nodelocal, port: 70000}
  coredns: yes
  profiles: small
  certificates: {lifetime: 1m}
  componentArguments:
    kube-apisever: {}
    kubelet: {--v: 4, feature-gates: "A=true B=true"}
  addons:
  - {name: a}
---
apiVersion: muster/v1
kind: Nod
metadata: {name: x}
---
apiVersion: muster/v1
kind: Node
metadata: {name: n1}
spec:
  role: worker
  address: 10.77.0.256
  match: {mac: [0c-c4-7a-80-09-1f, "0c:c4"]}
  labels: {node-role.kubernetes.io/gpu: "true", rack: a b}
  taints: [{key: gpu, effect: noschedule}]
  overrides:
    files: [{path: /etc/muster/agent.json, content: x, mode: 4755}]
    kubelet: {maxPods: many, labels: [a]}
)"}}) ==
      R"(cluster.yaml:1:1: apiVersion: expected 'muster/v1', found 'muster/v2'; did you mean 'muster/v1'?
cluster.yaml:4:3: metadata.name: expected a DNS label such as rack-a-07 (a-z, 0-9, '-', at most 63 letters), found 'Lab'
cluster.yaml:6:3: spec.kubernetesVersion: expected a version such as 1.36.3, found '1.36'
cluster.yaml:7:3: spec.podCidr: expected an IPv4 network such as 10.64.0.0/16, found '10.64.0.0/99'
cluster.yaml:8:3: spec.podCird: expected a known field, found 'podCird'; did you mean 'podCidr'?
cluster.yaml:9:3: spec.serviceCidr: expected an IPv4 network of /12 to /28 such as 10.96.0.0/16, found '10.96.0.0/8'
cluster.yaml:10:9: spec.api.mode: expected one of 'node-local', 'external', found 'nodelocal'; did you mean 'node-local'?
cluster.yaml:10:26: spec.api.port: expected a whole number from 1 to 65535, found '70000'
cluster.yaml:11:3: spec.coredns: expected true or false, found 'yes'
cluster.yaml:12:3: spec.profiles: expected a list, found 'small'
cluster.yaml:13:18: spec.certificates.lifetime: expected a time from 12m to 825d such as 90d, found '1m'
cluster.yaml:15:5: spec.componentArguments: expected one of 'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'containerd', found 'kube-apisever'; did you mean 'kube-apiserver'?
cluster.yaml:16:15: spec.componentArguments[kubelet]: expected a flag without dashes in front such as audit-log-maxage, found '--v'
cluster.yaml:16:23: spec.componentArguments[kubelet][feature-gates]: expected text without blanks, quotes, '$' and backslashes, found 'A=true B=true'
cluster.yaml:18:5: spec.addons[0]: expected either manifest or manifestFile, found neither
cluster.yaml:21:1: kind: expected 'Cluster', 'Profile', 'Node' or 'NodePool', found 'Nod'; did you mean 'Node'?
cluster.yaml:27:1: spec.cluster: expected a DNS label such as rack-a-07 (a-z, 0-9, '-', at most 63 letters), found nothing
cluster.yaml:28:3: spec.role: expected one of 'master', 'follower', 'node', 'masterFollower', found 'worker'
cluster.yaml:29:3: spec.address: expected an IPv4 address such as 10.77.0.11, found '10.77.0.256'
cluster.yaml:30:36: spec.match.mac[1]: expected a MAC address such as 0c:c4:7a:80:09:1f, found '0c:c4'
cluster.yaml:31:12: spec.labels: expected a label key that is not reserved (role labels come from the role; of kubernetes.io and k8s.io only node.kubernetes.io/, kubelet.kubernetes.io/, topology.kubernetes.io/zone and /region), found 'node-role.kubernetes.io/gpu'
cluster.yaml:31:49: spec.labels[rack]: expected a label value of at most 63 letters (A-Z, a-z, 0-9, '-', '_', '.'), found 'a b'
cluster.yaml:32:23: spec.taints[0].effect: expected one of 'NoSchedule', 'PreferNoSchedule', 'NoExecute', found 'noschedule'; did you mean 'NoSchedule'?
cluster.yaml:34:14: spec.overrides.files[0].path: expected an absolute path outside /etc/kubernetes, /etc/muster, /opt/muster, /var/lib/etcd and /var/lib/muster, found '/etc/muster/agent.json'
cluster.yaml:34:56: spec.overrides.files[0].mode: expected a quoted file mode such as '0644', found '4755'
cluster.yaml:35:15: spec.overrides.kubelet.maxPods: expected a whole number from 1 to 1024, found 'many'
cluster.yaml:35:30: spec.overrides.kubelet.labels: expected a map, found a list
)");
}

TEST_CASE("what is missing is told where it belongs") {
  CHECK(
      problems({{"a.yaml", "kind: Cluster\nmetadata: {}\n"}}) ==
      "a.yaml:1:1: apiVersion: expected 'muster/v1', found nothing\n"
      "a.yaml:1:1: spec: expected a map of fields, found nothing\n"
      "a.yaml:2:1: metadata.name: expected a DNS label such as rack-a-07 (a-z, 0-9, '-', at most 63 letters), found nothing\n");
  CHECK(problems({{"a.yaml", "- x\n"}}) ==
        "a.yaml:1:1: expected an object with apiVersion, kind, metadata and spec, found a list\n");
  CHECK(problems({{"a.yaml", "# nothing\n"}}) ==
        "inventory: expected at least one Cluster, found no object in any file\n");
}

TEST_CASE("references, names, addresses and marks are checked across files") {
  CHECK(
      problems(
          {{"a.yaml", small_cluster("  profiles: [bsae]\n")},
           {"b.yaml", "apiVersion: muster/v1\nkind: Profile\nmetadata: {name: base}\nspec: {}\n" +
                          node("m1", "master", "10.77.0.11", ", match: {serial: S1}") +
                          node("m2", "master", "10.77.0.11", ", match: {serial: S1}") +
                          node("m1", "node", "10.77.0.13") + node("n1", "node", "10.64.3.3") +
                          node("n2", "node", "10.78.0.4") +
                          "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: n3}\n"
                          "spec: {cluster: lba, role: node, address: 10.77.0.30}\n"}}) ==
      "a.yaml:9:14: spec.profiles[0]: expected the name of a Profile, found 'bsae'; did you mean 'base'?\n"
      "b.yaml:14:22: spec.role: expected one master in cluster 'lab', found a second one; node 'm1' at b.yaml:8:12 is the master; make this one a follower\n"
      "b.yaml:14:36: spec.address: expected a value of one machine only, found '10.77.0.11'; node 'm1' at b.yaml:8:12 has it\n"
      "b.yaml:14:65: spec.match.serial: expected a value of one machine only, found 'S1'; node 'm1' at b.yaml:8:12 has it\n"
      "b.yaml:18:12: metadata.name: expected a name that is not taken, found 'm1'; b.yaml:8:12 has it\n"
      "b.yaml:24:34: spec.address: expected an address outside podCidr 10.64.0.0/16, found '10.64.3.3'\n"
      "b.yaml:24:34: spec.address: expected an address in 10.77.0.0/24 like that of 'm1', since routed pods need one L2 segment, found '10.64.3.3'; set the cluster's spec.nodeCidr if the segment is larger\n"
      "b.yaml:29:34: spec.address: expected an address in 10.77.0.0/24 like that of 'm1', since routed pods need one L2 segment, found '10.78.0.4'; set the cluster's spec.nodeCidr if the segment is larger\n"
      "b.yaml:34:8: spec.cluster: expected the name of a Cluster, found 'lba'; did you mean 'lab'?\n");
}

TEST_CASE("networks of a cluster must stand apart") {
  CHECK(
      problems({{"a.yaml", small_cluster("  nodeCidr: 10.96.0.0/24\n  podCidrPrefix: 16\n") +
                               node("m1", "master", "10.77.0.11", ", podCidr: 10.65.0.0/24") +
                               node("n1", "node", "10.96.0.12", ", podCidr: 10.64.1.0/24") +
                               node("n2", "node", "10.96.0.13", ", podCidr: 10.64.0.0/22")}}) ==
      "a.yaml:9:3: spec.nodeCidr: expected a network outside serviceCidr 10.96.0.0/16, found '10.96.0.0/24'\n"
      "a.yaml:15:36: spec.address: expected an address in nodeCidr 10.96.0.0/24, found '10.77.0.11'\n"
      "a.yaml:15:57: spec.podCidr: expected a network in the cluster's podCidr 10.64.0.0/16, found '10.65.0.0/24'\n"
      "a.yaml:20:34: spec.address: expected an address outside serviceCidr 10.96.0.0/16, found '10.96.0.12'\n"
      "a.yaml:20:55: spec.podCidr: expected a network that no other machine has, found '10.64.1.0/24'; node 'n2' at a.yaml:25:55 has 10.64.0.0/22\n"
      "a.yaml:25:34: spec.address: expected an address outside serviceCidr 10.96.0.0/16, found '10.96.0.13'\n");
}

TEST_CASE("a gateway is an address of the machines' network") {
  const std::string machine = node("m1", "master", "10.77.0.11");
  CHECK(problems({{"a.yaml", small_cluster("  nodeGateway: 10.77.0.1\n") + machine}}) ==
        "a.yaml:9:3: spec.nodeGateway: expected spec.nodeCidr too, found '10.77.0.1'\n");
  CHECK(
      problems({{"a.yaml", small_cluster("  nodeCidr: 10.77.0.0/24\n  nodeGateway: 10.78.0.1\n"
                                         "  nameservers: [10.77.0.2, none]\n") +
                               machine}}) ==
      "a.yaml:10:3: spec.nodeGateway: expected an address in nodeCidr 10.77.0.0/24, found '10.78.0.1'\n"
      "a.yaml:11:28: spec.nameservers[1]: expected an IPv4 address such as 10.77.0.11, found 'none'\n");
}

TEST_CASE("one master, at most seven control-plane machines, an even number is only warned of") {
  CHECK(
      problems({{"a.yaml", small_cluster() + node("n1", "node", "10.77.0.21")}}) ==
      "a.yaml:4:3: metadata.name: expected one node or pool of role master in cluster 'lab', found none\n");
  std::string text = small_cluster() + node("m1", "master", "10.77.0.11");
  const Inventory two = sample::loaded(text + node("m2", "masterFollower", "10.77.0.12"));
  CHECK(two.nodes[1].role.value == Role::follower);
  CHECK(
      to_text(two.warnings) ==
      "lab.yaml:4:3: metadata.name: expected an odd number of control-plane machines, found 2; etcd of 2 members survives no more failures than of 1\n");
  for (int index = 2; index <= 9; ++index)
    text += node("m" + std::to_string(index), "follower", "10.77.0.1" + std::to_string(index));
  CHECK(
      problems({{"a.yaml", text}}) ==
      "a.yaml:48:22: spec.role: expected at most 7 control-plane machines in a cluster, found the eighth\n");
}

TEST_CASE("secrets in clear are refused and never shown") {
  const std::string text =
      problems({{"a.yaml", small_cluster() + node("m1", "master", "10.77.0.11") +
                               R"(---
apiVersion: muster/v1
kind: Profile
metadata: {name: p}
spec:
  containerd:
    registryCredentials:
      one.example: {username: u, password: hunter2}
      two.example: hunter2
      three.example: {secretRef: Hunter2}
  files:
  - path: /etc/key
    content: "-----BEGIN EC PRIVATE KEY-----\nhunter2"
  kubelet:
    extraConfiguration: {staticPodURLHeader: {Authorization: [hunter2]}}
)"}});
  CHECK(text.find("hunter2") == std::string::npos);
  CHECK(
      text ==
      "a.yaml:21:7: spec.containerd.registryCredentials[one.example]: expected {secretRef: NAME}, found a value in clear; set it with 'muster secret set NAME --cluster CLUSTER'\n"
      "a.yaml:22:7: spec.containerd.registryCredentials[two.example]: expected {secretRef: NAME}, found a value in clear; set it with 'muster secret set NAME --cluster CLUSTER'\n"
      "a.yaml:23:7: spec.containerd.registryCredentials[three.example]: expected {secretRef: NAME}, found another map; set it with 'muster secret set NAME --cluster CLUSTER'\n"
      "a.yaml:26:5: spec.files[0].content: expected {secretRef: NAME}, found a private key in clear; set it with 'muster secret set NAME --cluster CLUSTER'\n"
      "a.yaml:28:26: spec.kubelet.extraConfiguration.staticPodURLHeader: expected no credentials in a document, found a value in clear\n");
}

TEST_CASE("addons name a manifest or a file of the folder, once") {
  CHECK(
      problems({{"a.yaml", small_cluster(R"(  addons:
  - {name: coredns, manifest: "kind: X"}
  - {name: b, manifestFile: addons/c.yaml}
  - {name: d, manifest: "a: b", manifestFile: addons/d.yaml}
  - {name: e, manifest: " "}
  - {name: e, manifestFile: ../e.yaml}
)") + node("m1", "master", "10.77.0.11")},
                {"addons/b.yaml", "kind: [broken"},
                {"addons/d.yaml", "kind: &a ConfigMap\nother: *a"}}) ==
      "a.yaml:10:6: spec.addons[0].name: expected a name that no addon before it has, found 'coredns'; set spec.coredns to false to bring your own\n"
      "a.yaml:11:15: spec.addons[1].manifestFile: expected a file of the inventory's folder, found 'addons/c.yaml'; did you mean 'addons/b.yaml'?\n"
      "a.yaml:12:5: spec.addons[2]: expected either manifest or manifestFile, found both\n"
      "a.yaml:13:15: spec.addons[3]: expected Kubernetes YAML, found nothing\n"
      "a.yaml:14:6: spec.addons[4].name: expected a name that no addon before it has, found 'e'\n"
      "a.yaml:14:15: spec.addons[4].manifestFile: expected the path of a .yaml file in the inventory's folder, found '../e.yaml'\n"
      "addons/b.yaml:1:1: expected YAML, found end of sequence flow not found\n");
}

TEST_CASE("the API endpoint of either mode") {
  const auto with_api = [](const std::string& api) {
    return small_cluster("  api: " + api + "\n") + node("m1", "master", "10.77.0.11");
  };
  CHECK(
      problems({{"a.yaml", with_api("{mode: external}")}}) ==
      "a.yaml:9:9: spec.api.host: expected the name or address of the external endpoint, found nothing\n");
  CHECK(
      problems({{"a.yaml", with_api("{host: api.example}")}}) ==
      "a.yaml:9:9: spec.api.host: expected no host with mode node-local, found 'api.example'; set spec.api.mode to external, or leave host out\n");
  const Inventory inventory = sample::loaded(with_api("{mode: external, host: 10.77.0.9}"));
  CHECK(inventory.clusters.at("lab").api_host.value == "10.77.0.9");
  CHECK(inventory.clusters.at("lab").api_port.value == 6443);
}
