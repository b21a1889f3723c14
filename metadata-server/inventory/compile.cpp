#include "inventory/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "document/validate.hpp"
#include "inventory/certificate_table.hpp"
#include "inventory/coredns.hpp"
#include "inventory/machine_config.hpp"
#include "inventory/pod_networks.hpp"
#include "inventory/pool_members.hpp"
#include "inventory/release_choice.hpp"

namespace muster {

namespace {

constexpr std::uint32_t dns_address = 10;  // the tenth of the service network, as kubeadm has it

class Compiler {
 public:
  Compiler(const Inventory& inventory, const Cluster& cluster, const SiteFacts& facts)
      : inventory_(inventory), cluster_(cluster), facts_(facts) {}

  Checked<CompiledCluster> compile() {
    const std::vector<Node> members =
        member_nodes(inventory_, cluster_.name.value, facts_.members, problems_);
    const std::vector<const Node*> nodes = machines(members);
    check_pool_settings();
    const ReleaseChoice releases(cluster_, facts_, problems_);
    PodNetworks networks = allocate_pod_networks(cluster_, nodes, facts_.pod_cidrs, problems_);
    check_authorities();
    check_identity_regions();
    const ClusterSettings settings = make_settings(nodes);
    const std::vector<AddonSpec> addons = make_addons(releases, settings);
    refused_ = refused_machines(nodes);
    CompiledCluster out;
    out.name = cluster_.name.value;
    out.releases = releases.all();
    out.upgrades = releases.offers(cluster_);
    out.pod_cidrs = networks.by_node;
    out.work = networks.work;
    out.peers.site = facts_.site;
    out.peers.cluster = cluster_.name.value;
    for (const Node* node : nodes) {
      ++out.work;
      NodeDocument document = make_document(*node, settings, releases, networks.by_node);
      if (is_control_plane(node->role.value)) document.config.addons = addons;
      out.peers.peers.push_back({node->name.value, node->address.value, document.role.pod_cidr,
                                 document.config.kubelet.labels, document.config.kubelet.taints,
                                 drain_of(node->name.value)});
      out.documents.push_back(std::move(document));
    }
    out.warnings = inventory_.warnings;
    if (problems_.empty()) check_documents(nodes, out.documents);
    if (problems_.empty()) return out;
    finish_problems();
    return tl::unexpected(std::move(problems_));
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  Drain drain_of(const std::string& node) const {
    const auto found = facts_.drains.find(node);
    return found == facts_.drains.end() ? Drain::none : found->second;
  }

  std::vector<std::string> refused_machines(const std::vector<const Node*>& nodes) const {
    std::set<std::string> names(facts_.departed_machines.begin(), facts_.departed_machines.end());
    for (const Node* node : nodes) names.erase(node->name.value);
    names.insert(facts_.banned_machines.begin(), facts_.banned_machines.end());
    return {names.begin(), names.end()};
  }

  // Listed ones and members, in name order; none of them while masters are awaited.
  [[nodiscard]] std::vector<const Node*> machines(const std::vector<Node>& members) const {
    if (!facts_.is_started && awaits_masters(inventory_, cluster_.name.value, facts_.members))
      return {};
    std::vector<const Node*> nodes = nodes_of(inventory_, cluster_.name.value);
    for (const Node& member : members) nodes.push_back(&member);
    std::sort(nodes.begin(), nodes.end(), [](const Node* left, const Node* right) {
      return left->name.value < right->name.value;
    });
    return nodes;
  }

  // A pool may have no member yet; its mistakes are told now, not to the first machine.
  void check_pool_settings() {
    for (const NodePool* pool : pools_of(inventory_, cluster_.name.value)) {
      MachineConfig unused;
      const Node any = node_of(*pool, {member_name(*pool, 1), pool->name.value, {}, {}});
      apply_settings(merge_layers(inventory_, cluster_, any), facts_.secrets, unused, problems_);
    }
  }

  // The server pins what it can verify; a publication does not depend on it, a first look does.
  void check_identity_regions() {
    if (!facts_.identity_regions) return;
    const auto& pinned = *facts_.identity_regions;
    for (const NodePool* pool : pools_of(inventory_, cluster_.name.value)) {
      if (!pool->instance_identity) continue;
      const auto& regions = pool->instance_identity->regions;
      for (std::size_t index = 0; index < regions.size(); ++index) {
        const Sourced<std::string>& region = regions[index];
        if (std::find(pinned.begin(), pinned.end(), region.value) != pinned.end()) continue;
        report(
            region.place, fmt::format("spec.instanceIdentity.regions[{}]", index),
            "a region whose certificate the server pins", in_ticks(region.value),
            fmt::format(
                "put AWS's certificate into the server's folder `awsCertificates` as {}.pem and restart it",
                region.value));
      }
    }
  }

  void check_authorities() {
    for (const char* name : {"cluster", "etcd", "front-proxy"}) {
      const auto found = facts_.authorities.find(name);
      if (found == facts_.authorities.end() || found->second.empty())
        report(cluster_.name.place, "metadata.name",
               fmt::format("the site to have the authority '{}' of this cluster", name), "none",
               "it is made with the cluster's first 'muster apply'");
    }
  }

  ClusterSettings make_settings(const std::vector<const Node*>& nodes) const {
    ClusterSettings settings;
    settings.name = cluster_.name.value;
    settings.dns_domain = cluster_.dns_domain.value;
    settings.pod_cidr = cluster_.pod_cidr.value;
    settings.service_cidr = cluster_.service_cidr.value;
    if (const auto services = parse_cidr(settings.service_cidr))
      settings.cluster_dns = nth_address(*services, dns_address);
    settings.pod_network = cluster_.pod_network.value;
    settings.api = {cluster_.api_mode.value, cluster_.api_host.value, cluster_.api_port.value};
    settings.authorities = facts_.authorities;
    for (const Role role : {Role::master, Role::follower}) {
      for (const Node* node : nodes) {
        if (node->role.value == role)
          settings.masters.push_back({node->name.value, node->address.value});
      }
    }
    return settings;
  }

  std::vector<AddonSpec> make_addons(const ReleaseChoice& releases,
                                     const ClusterSettings& settings) const {
    std::vector<AddonSpec> addons;
    for (const Addon& addon : cluster_.addons)
      addons.push_back({addon.name.value, addon.manifest, addon.waits_for});
    // Last where an addon brings the network, without which it would be waited for in vain.
    const bool is_routed = cluster_.pod_network.value == PodNetwork::routed;
    if (cluster_.coredns)
      addons.insert(
          is_routed ? addons.begin() : addons.end(),
          coredns_addon(releases.version_of("coredns"), settings.dns_domain, settings.cluster_dns));
    return addons;
  }

  NodeDocument make_document(const Node& node, const ClusterSettings& settings,
                             const ReleaseChoice& releases,
                             const std::map<std::string, std::string>& networks) {
    NodeDocument document;
    document.site = facts_.site;
    document.role = make_identity(node, settings, networks);
    document.certificates = certificates_of(document.role, cluster_.certificate_lifetime);
    MachineConfig& config = document.config;
    config.releases = releases.for_role(node.role.value);
    for (const Sourced<std::string>& mirror : cluster_.artifact_mirrors)
      config.artifact_mirrors.push_back(mirror.value);
    for (const auto& [component, flags] : cluster_.component_arguments) {
      for (const auto& [flag, value] : flags)
        config.component_arguments[component][flag] = value.value;
    }
    apply_settings(merge_layers(inventory_, cluster_, node), facts_.secrets, config, problems_);
    if (config.containerd.sandbox_image.empty())
      config.containerd.sandbox_image = "registry.k8s.io/pause:" + releases.version_of("pause");
    if (is_control_plane(node.role.value)) add_control_plane(config);
    return document;
  }

  static MachineIdentity make_identity(const Node& node, const ClusterSettings& settings,
                                       const std::map<std::string, std::string>& networks) {
    MachineIdentity identity;
    identity.role = node.role.value;
    identity.node = node.name.value;
    identity.address = node.address.value;
    identity.pool = node.pool;
    if (const auto network = networks.find(identity.node); network != networks.end())
      identity.pod_cidr = network->second;
    for (const Sourced<std::string>& mac : node.match.macs) identity.macs.push_back(mac.value);
    identity.cluster = settings;
    return identity;
  }

  void add_control_plane(MachineConfig& config) {
    add_shared_secret(config, "service-account-key", "/etc/kubernetes/pki/service-account.key");
    add_shared_secret(config, "encryption-configuration", "/etc/kubernetes/encryption.yaml");
    config.banned_machines = refused_;
    // Then Kubernetes allocates the machines' networks for the addon.
    if (cluster_.pod_network.value == PodNetwork::none)
      config.component_arguments["kube-controller-manager"].try_emplace(
          "node-cidr-mask-size", std::to_string(cluster_.pod_cidr_prefix.value));
  }

  void add_shared_secret(MachineConfig& config, const std::string& name, const std::string& path) {
    const auto known = facts_.secrets.find(name);
    if (known == facts_.secrets.end())
      report(cluster_.name.place, "metadata.name",
             fmt::format("the site to have the secret '{}' of this cluster", name), "none",
             "it is made with the cluster's first 'muster apply'");
    else
      config.secrets.push_back({name, known->second, path, "root", "0600"});
  }

  // What a machine would refuse must not be published: the last gate, and a bug of ours if it
  // shuts.
  void check_documents(const std::vector<const Node*>& nodes,
                       const std::vector<NodeDocument>& documents) {
    for (std::size_t index = 0; index < documents.size(); ++index) {
      for (const Problem& problem : validate(documents[index])) {
        if (problem.where == "/generation") continue;  // the server gives it
        report(nodes[index]->name.place, problem.where, "a document that machines accept",
               problem.message);
      }
    }
  }

  // A mistake in a profile or of the whole cluster shows on every machine: once is enough.
  void finish_problems() {
    std::set<std::string> told;
    std::erase_if(problems_, [&](const InventoryProblem& problem) {
      return !told.insert(to_text(problem)).second;
    });
    sort_by_place(problems_);
  }

  const Inventory& inventory_;
  const Cluster& cluster_;
  const SiteFacts& facts_;
  std::vector<std::string> refused_;  // by the API server
  std::vector<InventoryProblem> problems_;
};

}  // namespace

Checked<CompiledCluster> compile(const Inventory& inventory, const std::string& cluster,
                                 const SiteFacts& facts) {
  const auto found = inventory.clusters.find(cluster);
  if (found == inventory.clusters.end())
    return tl::unexpected(std::vector<InventoryProblem>{
        problem_at({}, "", "a Cluster of the inventory", in_ticks(cluster))});
  return Compiler(inventory, found->second, facts).compile();
}

}  // namespace muster
