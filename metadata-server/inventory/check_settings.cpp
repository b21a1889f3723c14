#include "inventory/check_settings.hpp"

#include <fmt/format.h>

#include <set>

#include "document/problem.hpp"
#include "inventory/check_files.hpp"
#include "inventory/check_flags.hpp"
#include "inventory/check_kubelet.hpp"
#include "inventory/check_sysctls.hpp"
#include "inventory/component_options.hpp"
#include "inventory/url_credentials.hpp"

namespace muster {

namespace {

// Which layers machines with Muster's own pod network have, and those with an external cloud
// provider.
struct MachinesUse {
  bool routed, external_cloud;
};

class Uses {
 public:
  explicit Uses(const Inventory& inventory) {
    for (const auto& [name, cluster] : inventory.clusters) {
      if (cluster.pod_network.value == PodNetwork::routed) routed_.clusters.insert(name);
      if (has_external_cloud(cluster)) external_.clusters.insert(name);
      add(name, cluster.profiles);
    }
    for (const Node& node : inventory.nodes) add(node.cluster.value, node.profiles);
    for (const NodePool& pool : inventory.pools) add(pool.cluster.value, pool.profiles);
  }

  [[nodiscard]] MachinesUse of_cluster(const std::string& cluster) const {
    return {routed_.clusters.contains(cluster), external_.clusters.contains(cluster)};
  }
  [[nodiscard]] MachinesUse of_profile(const std::string& profile) const {
    return {routed_.profiles.contains(profile), external_.profiles.contains(profile)};
  }

 private:
  struct Names {
    std::set<std::string> clusters, profiles;
  };

  static bool has_external_cloud(const Cluster& cluster) {
    const auto kubelet = cluster.component_arguments.find("kubelet");
    if (kubelet == cluster.component_arguments.end()) return false;
    const auto provider = kubelet->second.find("cloud-provider");
    return provider != kubelet->second.end() && provider->second.value == "external";
  }

  void add(const std::string& cluster, const std::vector<Sourced<std::string>>& profiles) {
    for (Names* names : {&routed_, &external_}) {
      if (!names->clusters.contains(cluster)) continue;
      for (const auto& profile : profiles) names->profiles.insert(profile.value);
    }
  }

  Names routed_, external_;
};

// A profile is of no cluster: where their versions differ, its fields are those of none.
KubeletOptions kubelet_options(const Inventory& inventory, const ReleaseFlags& releases) {
  std::set<std::string> versions, minors;
  for (const auto& [name, cluster] : inventory.clusters) {
    versions.insert(cluster.kubernetes_version.value);
    minors.insert(minor_version(cluster.kubernetes_version.value));
  }
  if (minors.size() != 1) return {};
  const std::string& version = versions.size() == 1 ? *versions.begin() : *minors.begin();
  const KnownFlags flags = known_flags(releases, "kubelet", version);
  KubeletOptions options{kubelet_fields(*minors.begin())};
  if (flags.flags == nullptr) return options;
  const auto gates = flags.flags->find("feature-gates");
  if (gates != flags.flags->end() && !gates->second.choices.empty()) options.gates = &gates->second;
  return options;
}

class SettingsChecker {
 public:
  SettingsChecker(KubeletOptions kubelet, std::vector<InventoryProblem>& problems)
      : kubelet_(kubelet), problems_(problems) {}

  // `taints`: where they are written, which a node says beside its overrides.
  void check(const Value& settings, const std::string& path, const std::string& taints,
             const MachinesUse& use) {
    if (const Value* list = settings.find_path("kubelet.taints"))
      check_taints(*list, taints, use.external_cloud);
    if (const Value* sysctls = settings.find_path("kernel.sysctl"))
      check_sysctls(*sysctls, path + ".kernel.sysctl", problems_);
    if (const Value* files = settings.find("files"))
      check_files(*files, path + ".files", use.routed, problems_);
    if (const Value* mirrors = settings.find_path("containerd.registryMirrors"))
      check_mirrors(*mirrors, path + ".containerd.registryMirrors");
    if (const Value* image = settings.find_path("containerd.sandboxImage");
        image != nullptr && image->scalar.find("://") != std::string::npos)
      report(image->place, path + ".containerd.sandboxImage",
             "an image without a scheme such as registry.k8s.io/pause:3.10.2",
             in_ticks(image->scalar));
    if (const Value* kubelet = settings.find("kubelet"))
      check_kubelet(*kubelet, path + ".kubelet", kubelet_, problems_);
  }

  void check_urls(const Cluster& cluster) {
    for (std::size_t index = 0; index < cluster.artifact_mirrors.size(); ++index) {
      const Sourced<std::string>& url = cluster.artifact_mirrors[index];
      if (url_names_user(url.value))
        report(url.place, fmt::format("spec.artifacts.mirrors[{}]", index),
               "a URL without a user and a password", in_ticks(url.value),
               "releases are no secret: the digest decides what is taken");
    }
    for (std::size_t index = 0; index < cluster.addons.size(); ++index) {
      if (holds_url_password(cluster.addons[index].manifest))
        report(cluster.addons[index].name.place, fmt::format("spec.addons[{}]", index),
               "a manifest without secrets", "a URL with a user and a password",
               "create a Secret in the cluster and refer to it");
    }
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  // The API server's rule; the whole Node is refused otherwise, and the machine never registers.
  void check_taints(const Value& taints, const std::string& path, bool external_cloud) {
    std::map<std::pair<std::string, std::string>, const Value*> seen;
    for (std::size_t index = 0; index < taints.items.size(); ++index) {
      const Value& taint = taints.items[index];
      const Value *key = taint.find("key"), *effect = taint.find("effect");
      if (key == nullptr || effect == nullptr) continue;
      const auto [first, added] = seen.try_emplace({key->scalar, effect->scalar}, &taint);
      if (!added)
        report(taint.place, fmt::format("{}[{}]", path, index), "each key and effect once",
               fmt::format("'{}:{}'", key->scalar, effect->scalar),
               fmt::format("{} has them; the API server would refuse the Node",
                           to_text(first->second->place)));
      else if (external_cloud && effect->scalar == "NoSchedule" &&
               key->scalar == "node.cloudprovider.kubernetes.io/uninitialized")
        report(
            taint.place, fmt::format("{}[{}]", path, index), "each key and effect once",
            fmt::format("'{}:{}'", key->scalar, effect->scalar),
            "kubelet adds it by itself with cloud-provider external; the API server would refuse the Node");
    }
  }

  void check_mirrors(const Value& mirrors, const std::string& path) {
    for (const auto& [registry, urls] : mirrors.fields) {
      for (std::size_t index = 0; index < urls.items.size(); ++index)
        check_mirror(urls.items[index], fmt::format("{}[{}][{}]", path, registry, index));
    }
  }

  // A path is where the registry's API begins (override_path in containerd's hosts.toml), so it
  // must be said whole.
  void check_mirror(const Value& url, const std::string& field) {
    const std::string& text = url.scalar;
    if (url_names_user(text))
      return report(url.place, field, "a URL without a user and a password", in_ticks(text),
                    "spec.containerd.registryCredentials takes them: HOST: {secretRef: NAME}");
    if (text.find_first_of("?#") != std::string::npos)
      return report(url.place, field, "a mirror's URL without '?' and '#'", in_ticks(text));
    const std::size_t host = text.find("://");
    const std::size_t start = host == std::string::npos ? host : text.find('/', host + 3);
    if (start == std::string::npos || start + 1 == text.size()) return;
    std::string api_path = text.substr(start);
    if (api_path.back() != '/') api_path += '/';
    if (api_path.find("/v2/") != std::string::npos) return;
    while (api_path.size() > 1 && api_path.back() == '/') api_path.pop_back();
    const std::string base = text.substr(0, start);
    report(
        url.place, field, "no path, or that of the registry's API with its v2", in_ticks(text),
        fmt::format(
            "write '{}{}/v2' where an API of its own begins below it, '{}/v2{}' where it is a project",
            base, api_path, base, api_path));
  }

  const KubeletOptions kubelet_;
  std::vector<InventoryProblem>& problems_;
};

}  // namespace

void check_settings(const Inventory& inventory, const ReleaseFlags& releases,
                    std::vector<InventoryProblem>& problems,
                    std::vector<InventoryProblem>& warnings) {
  const Uses uses(inventory);
  SettingsChecker checker(kubelet_options(inventory, releases), problems);
  for (const auto& [name, cluster] : inventory.clusters) {
    check_flags(cluster, releases, problems, warnings);
    checker.check_urls(cluster);
  }
  for (const auto& [name, profile] : inventory.profiles)
    checker.check(profile.settings, "spec", "spec.kubelet.taints", uses.of_profile(name));
  for (const Node& node : inventory.nodes)
    checker.check(node.overrides, "spec.overrides", "spec.taints",
                  uses.of_cluster(node.cluster.value));
  for (const NodePool& pool : inventory.pools)
    checker.check(pool.overrides, "spec.overrides", "spec.taints",
                  uses.of_cluster(pool.cluster.value));
}

}  // namespace muster
