#include "inventory/compilation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "document/validate.hpp"
#include "inventory/certificate_table.hpp"
#include "inventory/coredns.hpp"
#include "inventory/machine_config.hpp"
#include "inventory/netboot.hpp"
#include "inventory/own_secrets.hpp"
#include "inventory/pod_networks.hpp"
#include "inventory/pool_members.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

constexpr std::size_t longest_identity = 96;  // bytes of most machines' own inputs
constexpr std::uint32_t dns_address = 10;     // the tenth of the service network, as kubeadm has it

MachineIdentity identity_of(const MachineInput& machine) {
  MachineIdentity identity;
  identity.role = machine.source.role();
  identity.node = machine.source.name();
  identity.address = machine.source.address();
  identity.pool = machine.source.pool();
  identity.pod_cidr = machine.pod_cidr;
  identity.macs = machine.source.macs();
  return identity;
}

}  // namespace

class CompilationMaker {
 public:
  CompilationMaker(const Inventory& inventory, const Cluster& cluster, const SiteFacts& facts,
                   SharedConfigs& configs)
      : inventory_(inventory), cluster_(cluster), facts_(facts), configs_(configs) {
    out_.cluster_ = &cluster;
    out_.facts_ = &facts;
  }

  Checked<Compilation> make() {
    const auto sources = machine_sources(inventory_, cluster_.name.value, facts_, problems_);
    check_pool_settings();
    const auto images = netboot_images(inventory_, cluster_);
    const ReleaseChoice releases(cluster_, facts_, images, problems_);
    for (const auto& [name, place] : images) {
      if (auto image = releases.find(name)) images_.emplace(name, std::move(*image));
    }
    out_.releases_ = releases.all();
    out_.upgrades_ = releases.offers(cluster_);
    PodNetworks networks = allocate_pod_networks(cluster_, sources, *facts_.pod_cidrs, problems_);
    check_authorities();
    check_identity_regions();
    make_settings(sources);
    has_two_machines_ = sources.size() > 1;
    const auto refused = refused_machines(facts_, sources);
    for (const Role role : {Role::master, Role::follower, Role::node})
      prepare_role(role, releases, refused);
    out_.work_ = networks.work + sources.size();
    out_.machines_.reserve(sources.size());
    for (std::size_t index = 0; index < sources.size(); ++index)
      add(sources[index], std::move(networks.of_machines[index]));
    if (!problems_.empty()) return tl::unexpected(distinct(std::move(problems_)));
    configs_.swap(used_);
    return std::move(out_);
  }

 private:
  // What all machines of one role begin with, and the digest of it and of what else is the same
  // for all.
  struct RoleConfig {
    MachineConfig config;
    std::string pause, digest;
  };

  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
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

  void make_settings(const std::vector<MachineSource>& sources) {
    ClusterSettings& settings = out_.settings_;
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
      for (const MachineSource& source : sources) {
        if (source.role() == role) settings.masters.push_back({source.name(), source.address()});
      }
    }
    out_.settings_text_ = settings_text(settings);
  }

  std::vector<AddonSpec> make_addons(const ReleaseChoice& releases) const {
    const ClusterSettings& settings = out_.settings_;
    std::vector<AddonSpec> addons;
    for (const Addon& addon : cluster_.addons)
      addons.push_back({addon.name.value, addon.manifest, addon.waits_for});
    // Last where an addon brings the network, without which it would be waited for in vain.
    const bool is_routed = cluster_.pod_network.value == PodNetwork::routed;
    if (cluster_.coredns)
      addons.insert(is_routed ? addons.begin() : addons.end(),
                    coredns_addon(releases.version_of("coredns"), settings.dns_domain,
                                  settings.cluster_dns, has_two_machines_));
    return addons;
  }

  void prepare_role(Role role, const ReleaseChoice& releases,
                    const std::vector<std::string>& refused) {
    RoleConfig& made = roles_[role];
    MachineConfig& config = made.config;
    config.releases = releases.for_role(role);
    for (const Sourced<std::string>& mirror : cluster_.artifact_mirrors)
      config.artifact_mirrors.push_back(mirror.value);
    for (const auto& [component, flags] : cluster_.component_arguments) {
      for (const auto& [flag, value] : flags)
        config.component_arguments[component][flag] = value.value;
    }
    if (is_control_plane(role)) {
      config.banned_machines = refused;
      config.addons = make_addons(releases);
      // Then Kubernetes allocates the machines' networks for the addon.
      if (cluster_.pod_network.value == PodNetwork::none)
        config.component_arguments["kube-controller-manager"].try_emplace(
            "node-cidr-mask-size", std::to_string(cluster_.pod_cidr_prefix.value));
    }
    made.pause = releases.version_of("pause");
    nlohmann::json images = nlohmann::json::object();
    for (const auto& [image, release] : images_) images[image] = release.manifest_digest;
    made.digest = sha256_digest(canonical_text({{"config", config_text(config)},
                                                {"images", images},
                                                {"pause", made.pause},
                                                {"role", name(role)},
                                                {"secrets", facts_.secrets}}));
  }

  void add(const MachineSource& source, std::string network) {
    const Layers& layers = layers_of(source);
    MachineInput& machine =
        out_.machines_.emplace_back(MachineInput{source, std::move(network), layers.config, {}});
    std::string& inputs = machine.inputs;
    inputs.reserve(layers.inputs.size() + longest_identity);
    inputs += layers.inputs;
    // No name and no address has a line's end.
    for (const std::string* part : std::initializer_list<const std::string*>{
             &source.name(), &source.address(), &source.pool(), &machine.pod_cidr}) {
      inputs += *part;
      inputs += '\n';
    }
    if (const auto* macs = source.written_macs())
      for (const auto& mac : *macs) inputs += mac.value;
  }

  // What machines of one role with the same layers share, and a digest of all of it that their
  // documents are made of.
  struct Layers {
    std::shared_ptr<const SharedConfig> config;
    std::string inputs;
  };

  // Neighbours mostly have the same.
  const Layers& layers_of(const MachineSource& source) {
    key_.assign(name(source.role()));
    for (const auto& profile : source.profiles()) key_.append(1, '\n').append(profile.value);
    key_.append("\n#").append(source.overrides_digest());
    if (last_ != nullptr && last_->first == key_) return last_->second;
    const auto [found, is_new] = by_layers_.try_emplace(key_);
    if (is_new) {
      auto config = find_or_make(source);
      found->second.inputs = sha256_digest(
          fmt::format("{} {} {} {} {}", facts_.site, name(source.role()),
                      cluster_.certificate_lifetime.count(), out_.settings_text_, config->digest));
      found->second.config = std::move(config);
    }
    last_ = &*found;
    return last_->second;
  }

  std::shared_ptr<const SharedConfig> find_or_make(const MachineSource& source) {
    const std::string key = key_of(source);
    auto& used = used_[key];
    if (used) return used;
    if (const auto known = configs_.find(key); known != configs_.end())
      used = known->second;
    else
      used = make_config(source);
    return used;
  }

  // Of everything that the config is made of.
  std::string key_of(const MachineSource& source) {
    std::string all = roles_.at(source.role()).digest;
    for (const auto* profiles : {&cluster_.profiles, &source.profiles()}) {
      for (const Sourced<std::string>& profile : *profiles) {
        const auto found = inventory_.profiles.find(profile.value);
        all += '/';
        if (found != inventory_.profiles.end()) all += found->second.digest;
      }
    }
    return sha256_digest(all + "#" + source.overrides_digest());
  }

  std::shared_ptr<const SharedConfig> make_config(const MachineSource& source) {
    const RoleConfig& role = roles_.at(source.role());
    auto made = std::make_shared<SharedConfig>();
    MachineConfig& config = made->config = role.config;
    const auto merged = merge_layers(inventory_, cluster_, source.node());
    apply_settings(merged, facts_.secrets, config, problems_);
    if (const auto image = images_.find(netboot_image(merged.settings)); image != images_.end())
      config.netboot = image->second;
    config.state_disk = state_disk_of(merged.settings);
    if (config.containerd.sandbox_image.empty())
      config.containerd.sandbox_image = "registry.k8s.io/pause:" + role.pause;
    if (is_control_plane(source.role())) {
      add_shared_secret(config, std::string(service_account_key_secret),
                        "/etc/kubernetes/pki/service-account.key");
      add_shared_secret(config, std::string(encryption_configuration_secret),
                        "/etc/kubernetes/encryption.yaml");
    }
    made->text = config_text(config);
    made->digest = sha256_digest(made->text);
    made->labels = labels_text(config.kubelet.labels);
    made->taints = taints_text(config.kubelet.taints);
    return made;
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

  const Inventory& inventory_;
  const Cluster& cluster_;
  const SiteFacts& facts_;
  SharedConfigs& configs_;
  SharedConfigs used_;  // of configs_, and new ones
  bool has_two_machines_ = false;
  std::map<std::string, ReleaseReference> images_;
  std::map<Role, RoleConfig> roles_;
  std::unordered_map<std::string, Layers> by_layers_;
  const std::pair<const std::string, Layers>* last_ = nullptr;
  std::string key_;
  Compilation out_;
  std::vector<InventoryProblem> problems_;
};

Checked<Compilation> Compilation::prepare(const Inventory& inventory, const std::string& cluster,
                                          const SiteFacts& facts, SharedConfigs& configs) {
  const auto found = inventory.clusters.find(cluster);
  if (found == inventory.clusters.end())
    return tl::unexpected(std::vector<InventoryProblem>{
        problem_at({}, "", "a Cluster of the inventory", in_ticks(cluster))});
  return CompilationMaker(inventory, found->second, facts, configs).make();
}

Checked<MachineDocument> Compilation::make(const MachineInput& machine) {
  MachineDocument made;
  NodeDocument& document = made.document;
  document.site = facts_->site;
  document.role = identity_of(machine);
  document.role.cluster = settings_;
  document.certificates = certificates_of(document.role, cluster_->certificate_lifetime);
  document.config = machine.config->config;
  // What a machine would refuse must not be published: the last gate, and a bug of ours if it
  // shuts.
  std::vector<InventoryProblem> problems;
  const bool is_new = !valid_.contains(machine.config.get());
  for (const Problem& problem : is_new ? validate(document) : validate_identity(document)) {
    if (problem.where == "/generation") continue;  // the server gives it
    problems.push_back(problem_at(machine.source.place(), problem.where,
                                  "a document that machines accept", problem.message));
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  valid_.insert(machine.config.get());
  made.role = role_text(document.role, settings_text_);
  made.certificates = certificates_text(document.certificates);
  return made;
}

std::string Compilation::text_of(const MachineInput& machine, const MachineDocument& made,
                                 std::uint64_t generation) const {
  return to_text({facts_->site, made.role, made.certificates, machine.config->text}, generation);
}

PeerEntry Compilation::peer(const MachineInput& machine) const {
  const auto drain = facts_->drains.find(machine.source.name());
  return {machine.source.name(),
          machine.source.address(),
          machine.pod_cidr,
          machine.config->config.kubelet.labels,
          machine.config->config.kubelet.taints,
          drain == facts_->drains.end() ? Drain::none : drain->second};
}

// Both are in name order.
void Compilation::add_pod_cidrs(std::map<std::string, std::string>& by_node) const {
  auto at = by_node.begin();
  for (const MachineInput& machine : machines_) {
    if (machine.pod_cidr.empty()) continue;
    while (at != by_node.end() && at->first < machine.source.name()) ++at;
    if (at == by_node.end() || at->first != machine.source.name()) {
      at = by_node.emplace_hint(at, machine.source.name(), machine.pod_cidr);
    } else if (at->second != machine.pod_cidr) {
      at->second = machine.pod_cidr;
    }
  }
}

std::string Compilation::peers_text() const {
  constexpr std::size_t longest_peer = 128;  // bytes of most of them, without labels and taints
  std::string text;
  if (!machines_.empty()) {
    const SharedConfig& config = *machines_.back().config;
    text.reserve(machines_.size() * (longest_peer + config.labels.size() + config.taints.size()));
  }
  for (const MachineInput& machine : machines_) {
    if (!text.empty()) text += ',';
    PeerText peer{machine.source.name(),  machine.source.address(), machine.pod_cidr,
                  machine.config->labels, machine.config->taints,   Drain::none};
    if (const auto drain = facts_->drains.find(machine.source.name());
        drain != facts_->drains.end())
      peer.drain = drain->second;
    append_peer(text, peer);
  }
  return text;
}

std::vector<InventoryProblem> distinct(std::vector<InventoryProblem> problems) {
  std::set<std::string> told;
  std::erase_if(problems, [&](const InventoryProblem& problem) {
    return !told.insert(to_text(problem)).second;
  });
  sort_by_place(problems);
  return problems;
}

}  // namespace muster
