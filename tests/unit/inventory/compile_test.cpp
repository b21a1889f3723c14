#include "inventory/compile.hpp"

#include <nlohmann/json.hpp>

#include "document/validate.hpp"
#include "sample_inventory.hpp"

using namespace muster;
using sample::compile_problems;
using sample::node;
using sample::small_cluster;

namespace {

CompiledCluster compiled(const Inventory& inventory, const std::string& cluster,
                         const SiteFacts& facts = sample::facts()) {
  auto out = compile(inventory, cluster, facts);
  REQUIRE_MESSAGE(out, to_text(out.error()));
  return std::move(*out);
}

std::string pretty(const std::string& json) {
  return nlohmann::json::parse(json).dump(2) + "\n";
}

}  // namespace

TEST_CASE("the lab's documents and peer list") {
  const CompiledCluster lab = compiled(sample::example("lab"), "lab");
  REQUIRE(lab.documents.size() == 5);
  for (const std::size_t index : {0u, 1u, 3u}) {
    const NodeDocument& document = lab.documents[index];
    const std::string text = pretty(to_canonical_json(document));
    CHECK(text == sample::golden("lab-" + document.role.node + ".json", text));
  }
  const std::string peers = pretty(to_canonical_json(lab.peers));
  CHECK(peers == sample::golden("lab-peers.json", peers));
  CHECK(lab.warnings.empty());
}

TEST_CASE("every example compiles to documents that a machine accepts") {
  for (const auto& [folder, cluster] :
       {std::pair{"lab", "lab"}, {"racks", "racks"}, {"gpu-towers", "towers"}}) {
    const CompiledCluster out = compiled(sample::example(folder), cluster);
    for (NodeDocument document : out.documents) {
      document.generation = 1;  // as the server gives it
      CHECK(to_text(validate(document)) == "");
      const auto read = parse_node_document(to_canonical_json(document));
      REQUIRE_MESSAGE(read, read.error().message);
    }
  }
}

TEST_CASE("compiling twice gives the same bytes") {
  const Inventory racks = sample::example("racks");
  const CompiledCluster one = compiled(racks, "racks"), two = compiled(racks, "racks");
  for (std::size_t index = 0; index < one.documents.size(); ++index)
    CHECK(to_canonical_json(one.documents[index]) == to_canonical_json(two.documents[index]));
}

TEST_CASE("layers, secrets and arguments reach the document") {
  const CompiledCluster racks = compiled(sample::example("racks"), "racks");
  const auto& storage = racks.documents[6];
  REQUIRE(storage.role.node == "rack-a-04");
  const NodeDocument& override_node = racks.documents[8];
  REQUIRE(override_node.role.node == "rack-b-02");
  const MachineConfig& config = override_node.config;
  CHECK(config.kubelet.max_pods == 40);
  CHECK(config.kubelet.labels ==
        std::map<std::string, std::string>{{"racks.example/disks", "sas"},
                                           {"topology.kubernetes.io/zone", "rack-b"}});
  CHECK(config.kernel.sysctl.at("vm.max_map_count") == "524288");
  CHECK(config.containerd.sandbox_image == "registry.k8s.io/pause:3.10.2");
  CHECK(config.component_arguments.at("kube-apiserver").at("audit-log-maxage") == "30");
  REQUIRE(config.secrets.size() == 1);
  CHECK(config.secrets[0].name == "registry-login");
  CHECK(config.secrets[0].version == 3);
  CHECK(config.secrets[0].path == "/etc/muster/secrets/registry-login");
  CHECK(config.addons.empty());
  CHECK(racks.documents[0].config.addons.size() == 2);
  CHECK(racks.documents[0].certificates[6].dns_names.back() == "api.racks.example");
  CHECK(override_node.certificates[0].lifetime == std::chrono::hours(24 * 60));
}

TEST_CASE("only the control plane has etcd, shared secrets, bans and addons") {
  SiteFacts facts = sample::facts();
  facts.banned_machines = {"n9", "n2"};
  const CompiledCluster lab = compiled(sample::example("lab"), "lab", facts);
  const auto releases = [](const NodeDocument& document) {
    std::vector<std::string> names;
    for (const ReleaseReference& release : document.config.releases)
      names.push_back(release.name + " " + release.version);
    return names;
  };
  CHECK(releases(lab.documents[0]) ==
        std::vector<std::string>{"cni-plugins 1.9.1", "containerd 2.4.2", "coredns 1.15.0",
                                 "etcd 3.6.16", "haproxy 2.6.12", "host-tools 12.1",
                                 "kubernetes 1.36.3", "pause 3.10.2", "runc 1.5.2"});
  CHECK(releases(lab.documents[3]).size() == 8);
  // A catalogue from before it had cri-tools does without; one that has them gives them to
  // everybody.
  facts.catalogue.push_back({"cri-tools", "1.34.0", "sha256:" + std::string(64, 'd'), 1});
  const auto with_tools = releases(compiled(sample::example("lab"), "lab", facts).documents[3]);
  CHECK(with_tools.size() == 9);
  CHECK(std::count(with_tools.begin(), with_tools.end(), "cri-tools 1.34.0") == 1);
  CHECK(lab.documents[0].config.banned_machines == std::vector<std::string>{"n2", "n9"});
  CHECK(lab.documents[3].config.banned_machines.empty());
  CHECK(lab.documents[3].config.secrets.empty());
  CHECK(lab.documents[3].certificates.size() == 3);
  CHECK(lab.documents[0].certificates.size() == 13);
  CHECK(lab.documents[3].role.cluster.masters.size() == 3);
}

TEST_CASE("what the site lacks is told with its cure, once") {
  const Inventory inventory =
      sample::loaded(small_cluster("  releases: {etcd: 3.6.99, extra: 1.0.0}\n  profiles: [p]\n") +
                     "---\napiVersion: muster/v1\nkind: Profile\nmetadata: {name: p}\n"
                     "spec: {files: [{path: /etc/x, content: {secretRef: regstry-login}}]}\n" +
                     node("m1", "master", "10.77.0.11") + node("n1", "node", "10.77.0.21"));
  SiteFacts facts = sample::facts();
  facts.catalogue.erase(facts.catalogue.begin());  // kubernetes
  facts.catalogue.push_back({"kubernetes", "1.36.2", "sha256:" + std::string(64, 'c'), 1});
  facts.catalogue.pop_back();
  facts.authorities.erase("etcd");
  facts.secrets.erase("service-account-key");
  CHECK(
      compile_problems(inventory, facts) ==
      "lab.yaml:4:3: metadata.name: expected the site to have the authority 'etcd' of this cluster, found none; it is made with the cluster's first 'muster apply'\n"
      "lab.yaml:4:3: metadata.name: expected the site to have the secret 'service-account-key' of this cluster, found none; it is made with the cluster's first 'muster apply'\n"
      "lab.yaml:6:3: spec.kubernetesVersion: expected a release of kubernetes-control-plane 1.36.3 in the server's catalogue, found none; import it with 'muster release import'\n"
      "lab.yaml:6:3: spec.kubernetesVersion: expected a release of kubernetes-node 1.36.3 in the server's catalogue, found none; import it with 'muster release import'\n"
      "lab.yaml:9:14: spec.releases[etcd]: expected a version of etcd in the server's catalogue (3.6.16, 3.6.9), found '3.6.99'; import it with 'muster release import'\n"
      "lab.yaml:9:28: spec.releases[extra]: expected a release of extra 1.0.0 in the server's catalogue, found none; import it with 'muster release import'\n"
      "lab.yaml:15:41: secretRef: expected the name of a secret of this cluster, found 'regstry-login'; did you mean 'registry-login'?\n");
  const auto unknown = compile(inventory, "other", facts);
  REQUIRE_FALSE(unknown);
  CHECK(to_text(unknown.error()) ==
        "inventory: expected a Cluster of the inventory, found 'other'\n");
}

TEST_CASE("what no node runs is a release of its own, where the store has it so") {
  const Inventory inventory =
      sample::loaded(small_cluster() + node("m1", "master", "10.77.0.11") +
                     node("f1", "follower", "10.77.0.12") + node("n1", "node", "10.77.0.21"));
  SiteFacts facts = sample::facts();
  const auto of_kubernetes = [&](const std::string& name) {
    std::string found;
    for (const NodeDocument& document : compiled(inventory, "lab", facts).documents) {
      if (document.role.node != name) continue;
      for (const ReleaseReference& release : document.config.releases) {
        if (release.name.starts_with("kubernetes") || release.name == "etcd")
          found += release.name + " " + release.version + "\n";
      }
    }
    return found;
  };
  const std::string undivided = to_canonical_json(compiled(inventory, "lab", facts).documents[0]);
  facts.catalogue.push_back({"kubernetes-node", "1.36.3", "sha256:" + std::string(64, 'd'), 1});
  // One of the two is not enough, nor one of another version: the documents stay as they are.
  CHECK(to_canonical_json(compiled(inventory, "lab", facts).documents[0]) == undivided);
  facts.catalogue.push_back(
      {"kubernetes-control-plane", "1.36.4", "sha256:" + std::string(64, 'e'), 1});
  CHECK(to_canonical_json(compiled(inventory, "lab", facts).documents[0]) == undivided);
  facts.catalogue.push_back(
      {"kubernetes-control-plane", "1.36.3", "sha256:" + std::string(64, 'f'), 1});
  const std::string of_masters =
      "etcd 3.6.16\nkubernetes-control-plane 1.36.3\nkubernetes-node 1.36.3\n";
  CHECK(of_kubernetes("m1") == of_masters);
  CHECK(of_kubernetes("f1") == of_masters);
  CHECK(of_kubernetes("n1") == "kubernetes-node 1.36.3\n");
}

TEST_CASE("a version of Kubernetes that is not there, or by half, is told with what is") {
  SiteFacts facts = sample::facts();
  const auto problems = [&](const std::string& version) {
    std::string text = small_cluster() + node("m1", "master", "10.77.0.11");
    text.replace(text.find("1.36.3"), 6, version);
    return compile_problems(sample::loaded(text), facts);
  };
  const std::string place = "lab.yaml:6:3: spec.kubernetesVersion: expected a ";
  const std::string cure = "; import it with 'muster release import'\n";
  CHECK(
      problems("1.36.5") ==
      place +
          "version of kubernetes-node and kubernetes-control-plane in the server's catalogue (1.36.3), found '1.36.5'" +
          cure);
  const std::string digest = "sha256:" + std::string(64, 'd');
  facts.catalogue.push_back({"kubernetes-node", "1.36.4", digest, 1});
  CHECK(problems("1.36.4") ==
        place + "release of kubernetes-control-plane 1.36.4 in the server's catalogue, found none" +
            cure);
  facts.catalogue.push_back({"kubernetes-control-plane", "1.36.4", digest, 1});
  CHECK(
      problems("1.36.5") ==
      place +
          "version of kubernetes-node and kubernetes-control-plane in the server's catalogue (1.36.4, 1.36.3), found '1.36.5'" +
          cure);
}

TEST_CASE("half of Kubernetes and nothing else of it: the other half is named, with its cure") {
  const std::string machines("kubernetes-node"), control_plane("kubernetes-control-plane");
  for (const auto& [there, missing] :
       {std::pair(machines, control_plane), std::pair(control_plane, machines)}) {
    SiteFacts facts = sample::facts();
    std::erase_if(facts.catalogue,
                  [](const auto& entry) { return entry.name.starts_with("kubernetes"); });
    facts.catalogue.push_back({there, "1.36.3", "sha256:" + std::string(64, 'd'), 1});
    CHECK(
        compile_problems(sample::loaded(small_cluster() + node("m1", "master", "10.77.0.11")),
                         facts) ==
        "lab.yaml:6:3: spec.kubernetesVersion: expected a release of " + missing +
            " 1.36.3 in the server's catalogue, found none; import it with 'muster release import'\n");
  }
}

TEST_CASE("a release that is imported moves no cluster that has its versions already") {
  const auto written = [](const std::string& spec) {
    return sample::loaded(small_cluster(spec) + node("m1", "master", "10.77.0.11"));
  };
  const Inventory inventory = written("");
  SiteFacts facts = sample::facts();
  const auto versions = [&](const Inventory& of) {
    std::map<std::string, std::string> found;
    for (const auto& release : compiled(of, "lab", facts).releases)
      found[release.name] = release.version;
    return found;
  };
  facts.pins = versions(inventory);
  CHECK(facts.pins.at("containerd") == "2.4.2");
  const std::string before = to_canonical_json(compiled(inventory, "lab", facts).documents[0]);
  const auto import = [&](const std::string& name, const std::string& version, char digit) {
    facts.catalogue.push_back({name, version, "sha256:" + std::string(64, digit), 1});
  };
  import("containerd", "2.9.0", 'c');
  import("cri-tools", "1.34.0", 'd');
  import("kubernetes-node", "1.36.3", 'e');
  import("kubernetes-control-plane", "1.36.3", 'f');
  CHECK(to_canonical_json(compiled(inventory, "lab", facts).documents[0]) == before);
  std::string offered;
  for (const auto& [name, from, to] : compiled(inventory, "lab", facts).upgrades)
    offered += name + " " + from + " -> " + to + "\n";
  CHECK(offered == "containerd 2.4.2 -> 2.9.0\ncri-tools  -> 1.34.0\nkubernetes-node  -> 1.36.3\n");

  facts.upgrades = {"containerd"};
  CHECK(versions(inventory).at("containerd") == "2.9.0");
  CHECK_FALSE(versions(inventory).contains("cri-tools"));
  CHECK(versions(inventory).contains("kubernetes"));
  facts.upgrades = {"cri-tools", "kubernetes-node"};
  CHECK(versions(inventory).at("containerd") == "2.4.2");
  CHECK(versions(inventory).contains("cri-tools"));
  CHECK_FALSE(versions(inventory).contains("kubernetes"));
  CHECK(versions(inventory).contains("kubernetes-control-plane"));
  facts.upgrades = {};
  // What the inventory writes goes before; then nothing is offered.
  CHECK(versions(written("  releases: {containerd: 2.9.0}\n")).at("containerd") == "2.9.0");
  facts.pins["containerd"] = "2.9.0";
  CHECK(versions(written("  releases: {containerd: 2.4.2}\n")).at("containerd") == "2.4.2");
  // A version that is gone is told, with both ways out.
  facts.pins["containerd"] = "2.5.0";
  const auto refused = compile(inventory, "lab", facts);
  REQUIRE_FALSE(refused);
  CHECK(
      to_text(refused.error()) ==
      "lab.yaml:4:3: spec.releases[containerd]: expected a version of containerd in the server's catalogue (2.9.0, 2.4.2), found '2.5.0'; the cluster has this one: import it with 'muster release import', or move on with 'muster apply --upgrade containerd'\n");
}

TEST_CASE("a pod network is given once and kept") {
  const std::string base = small_cluster() + node("m1", "master", "10.77.0.11");
  SiteFacts facts = sample::facts();
  const auto first =
      compiled(sample::loaded(base + node("n2", "node", "10.77.0.22")), "lab", facts);
  CHECK(first.pod_cidrs ==
        std::map<std::string, std::string>{{"m1", "10.64.0.0/24"}, {"n2", "10.64.1.0/24"}});
  facts.pod_cidrs = first.pod_cidrs;
  // n2 is gone and n1 comes: what n2 had is not given away.
  const auto second =
      compiled(sample::loaded(base + node("n1", "node", "10.77.0.21")), "lab", facts);
  CHECK(second.pod_cidrs.at("n1") == "10.64.2.0/24");
  CHECK(second.pod_cidrs.at("n2") == "10.64.1.0/24");
  CHECK(second.peers.peers.size() == 2);
  // A written network wins over what was kept for the same node, and is not given to others.
  facts.pod_cidrs = {};
  const auto written =
      compiled(sample::loaded(base + node("n1", "node", "10.77.0.21") +
                              node("n2", "node", "10.77.0.22", ", podCidr: 10.64.1.0/24")),
               "lab", facts);
  CHECK(written.pod_cidrs.at("n1") == "10.64.2.0/24");
}

TEST_CASE("a pod network that is full or taken") {
  SiteFacts facts = sample::facts();
  facts.pod_cidrs = {{"gone", "10.64.0.0/24"}};
  const std::string tight =
      small_cluster("  podCidrPrefix: 17\n") + node("m1", "master", "10.77.0.11");
  CHECK(
      compile_problems(sample::loaded(tight + node("n1", "node", "10.77.0.21")), facts) ==
      "lab.yaml:7:3: spec.podCidr: expected room for a /17 of every machine, found none for 1 of them; raise spec.podCidrPrefix, or drop the networks of machines that are gone with 'muster node remove'\n");
  CHECK(
      compile_problems(sample::loaded(small_cluster() + node("m1", "master", "10.77.0.11",
                                                             ", podCidr: 10.64.0.0/23")),
                       facts) ==
      "lab.yaml:13:57: spec.podCidr: expected a network that no other machine has, found '10.64.0.0/23'; 'gone' was given 10.64.0.0/24\n");
}

TEST_CASE("podNetwork none gives no pod networks, needs no segment, and has CoreDNS wait for it") {
  const auto out = compiled(
      sample::loaded(small_cluster("  podNetwork: none\n"
                                   "  addons: [{name: network, manifest: 'a: b'}]\n") +
                     node("m1", "master", "10.77.0.11") + node("n1", "node", "172.16.0.1")),
      "lab");
  CHECK(out.pod_cidrs.empty());
  CHECK(out.documents[1].role.pod_cidr == "");
  CHECK(out.documents[0].config.component_arguments.at("kube-controller-manager") ==
        std::map<std::string, std::string>{{"node-cidr-mask-size", "24"}});
  const auto& addons = out.documents[0].config.addons;
  REQUIRE(addons.size() == 2);
  CHECK(addons[0].name == "network");
  CHECK(addons[1].name == "coredns");
}

TEST_CASE(
    "CoreDNS is on two machines where the cluster has two, and stops no drain where it has one") {
  const auto manifest = [](const std::string& more) {
    const auto out = compiled(
        sample::loaded(small_cluster() + node("m1", "master", "10.77.0.11") + more), "lab");
    return out.documents[0].config.addons.at(0).manifest;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  const std::string alone = manifest("");
  CHECK(has(alone, "  replicas: 1\n"));
  CHECK(!has(alone, "topologySpreadConstraints"));
  CHECK(!has(alone, "PodDisruptionBudget"));
  const std::string two = manifest(node("n1", "node", "10.77.0.21"));
  CHECK(has(two, "  replicas: 2\n"));
  CHECK(has(two,
            "        effect: NoSchedule\n"
            "      topologySpreadConstraints:\n"
            "      - maxSkew: 1\n"
            "        topologyKey: kubernetes.io/hostname\n"
            "        whenUnsatisfiable: DoNotSchedule\n"));
  CHECK(has(two, "      nodeSelector:\n"));
  CHECK(has(two, "kind: PodDisruptionBudget\n"));
  CHECK(has(two, "  maxUnavailable: 1\n"));
  for (const std::string& text : {alone, two}) CHECK(text.find('@') == std::string::npos);
}

TEST_CASE("three thousand nodes cost ten times what three hundred cost") {
  const auto work_of = [](int nodes, std::size_t& document_size) {
    std::string text = small_cluster("  nodeCidr: 172.16.0.0/16\n  podCidrPrefix: 28\n") +
                       node("m1", "master", "172.16.255.1");
    InventoryFiles files{{"cluster.yaml", text}};
    for (int index = 0; index < nodes; ++index) {
      std::string& file = files[fmt::format("nodes-{}.yaml", index / 1000)];
      file += node(fmt::format("n{:05}", index), "node",
                   fmt::format("172.16.{}.{}", index / 250, index % 250 + 1));
    }
    SiteFacts facts = sample::facts();
    files["cluster.yaml"].replace(files["cluster.yaml"].find("10.64.0.0/16"), 12, "10.64.0.0/12");
    const auto inventory = load(files);
    REQUIRE_MESSAGE(inventory, to_text(inventory.error()));
    const auto first = compiled(*inventory, "lab", facts);
    facts.pod_cidrs = first.pod_cidrs;
    const auto again = compiled(*inventory, "lab", facts);
    CHECK(again.pod_cidrs == first.pod_cidrs);
    document_size = to_canonical_json(again.documents.back()).size();
    return first.work + again.work;
  };
  std::size_t small_document = 0, large_document = 0;
  const std::size_t small = work_of(300, small_document), large = work_of(3000, large_document);
  CHECK(large <= 11 * small);
  // A document names masters only: it does not grow with the cluster.
  CHECK(large_document <= small_document + 16);
}

TEST_CASE("site facts survive the way to the CLI") {
  SiteFacts facts = sample::facts();
  facts.pod_cidrs = {{"n1", "10.64.0.0/24"}};
  facts.banned_machines = {"n9"};
  facts.pins = {{"runc", "1.5.2"}};
  facts.upgrades = {"runc"};
  const auto read = parse_site_facts(to_json(facts));
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_json(*read) == to_json(facts));
  CHECK(parse_site_facts("{}").error().kind == ErrorKind::invalid);
}
