#include <fmt/format.h>

#include <charconv>
#include <set>

#include "document/owned_flags.hpp"
#include "document/problem.hpp"
#include "document/release_names.hpp"
#include "document/time_text.hpp"
#include "inventory/read_objects.hpp"
#include "inventory/schema_tree.hpp"
#include "inventory/suggest.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

// Reads Cluster.spec; an absent field has its default of the field table and the cluster's place.
class ClusterReader {
 public:
  ClusterReader(const Value& document, const InventoryFiles& files,
                std::vector<InventoryProblem>& problems)
      : document_(document), files_(files), problems_(problems) {}

  Cluster read() {
    Cluster cluster;
    if (const Value* name = document_.find_path("metadata.name"))
      cluster.name = {name->scalar, name->place};
    cluster.kubernetes_version = text("kubernetesVersion");
    cluster.bootstrapper = text("bootstrapper");
    cluster.pod_cidr = text("podCidr");
    cluster.pod_cidr_prefix = integer<int>("podCidrPrefix");
    cluster.service_cidr = text("serviceCidr");
    if (Sourced<std::string> node_cidr = text("nodeCidr"); !node_cidr.value.empty())
      cluster.node_cidr = std::move(node_cidr);
    if (Sourced<std::string> gateway = text("nodeGateway"); !gateway.value.empty())
      cluster.node_gateway = std::move(gateway);
    cluster.nameservers = texts("nameservers");
    cluster.dns_domain = text("dnsDomain");
    const Sourced<std::string> network = text("podNetwork");
    cluster.pod_network = {network.value == "none" ? PodNetwork::none : PodNetwork::routed,
                           network.place};
    cluster.etcd_topology = text("etcd.topology");
    if (const auto lifetime = parse_duration(text("certificates.lifetime").value))
      cluster.certificate_lifetime = *lifetime;
    cluster.coredns = text("coredns").value == "true";
    cluster.profiles = texts("profiles");
    cluster.artifact_mirrors = texts("artifacts.mirrors");
    read_api(cluster);
    read_maps(cluster);
    read_addons(cluster);
    return cluster;
  }

 private:
  [[nodiscard]] const Value* at(std::string_view path) const {
    const Value* spec = document_.find("spec");
    return spec == nullptr ? nullptr : spec->find_path(path);
  }
  Sourced<std::string> text(std::string_view path) const {
    if (const Value* value = at(path)) return {value->scalar, value->place};
    return {std::string(default_of(fmt::format("Cluster.spec.{}", path))), {}};
  }
  std::vector<Sourced<std::string>> texts(std::string_view path) const {
    std::vector<Sourced<std::string>> out;
    if (const Value* list = at(path)) {
      for (const Value& item : list->items) out.push_back({item.scalar, item.place});
    }
    return out;
  }
  template <class T>
  Sourced<T> integer(std::string_view path) const {
    const Sourced<std::string> written = text(path);
    T number = 0;
    std::from_chars(written.value.data(), written.value.data() + written.value.size(), number);
    return {number, written.place};
  }
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  void read_api(Cluster& cluster) {
    const Sourced<std::string> mode = text("api.mode");
    const bool external = mode.value == "external";
    cluster.api_mode = {external ? EndpointMode::external : EndpointMode::node_local, mode.place};
    cluster.api_host = text("api.host");
    cluster.api_port = integer<std::uint16_t>("api.port");
    if (external) {
      if (cluster.api_host.value.empty())
        report(mode.place, "spec.api.host", "the name or address of the external endpoint",
               "nothing");
      return;
    }
    if (is_set(cluster.api_host))
      report(cluster.api_host.place, "spec.api.host", "no host with mode node-local",
             in_ticks(cluster.api_host.value), "set spec.api.mode to external, or leave host out");
    cluster.api_host.value = "127.0.0.1";
  }

  void read_maps(Cluster& cluster) {
    if (const Value* components = at("componentArguments")) {
      for (const auto& [component, flags] : components->fields) {
        for (const auto& [flag, value] : flags.fields) {
          cluster.component_arguments[component][flag] = {value.scalar, value.place};
          const std::string_view owner = owner_of_flag(component, flag);
          if (owner.empty()) continue;
          report(value.place, fmt::format("spec.componentArguments[{}][{}]", component, flag),
                 "a flag that is the operator's", in_ticks(flag), std::string(owner));
        }
      }
    }
    if (const Value* pinned = at("releases")) {
      for (const auto& [name, version] : pinned->fields) {
        cluster.releases[name] = {version.scalar, version.place};
        if (releases::is_of_kubernetes(name))
          report(version.place, "spec.releases", fmt::format("no entry for {}", name),
                 in_ticks(version.scalar), "spec.kubernetesVersion names its version");
      }
    }
  }

  void read_addons(Cluster& cluster) {
    const Value* addons = at("addons");
    if (addons == nullptr) return;
    std::set<std::string> names;
    if (cluster.coredns) names.insert("coredns");
    for (std::size_t index = 0; index < addons->items.size(); ++index) {
      const Value& written = addons->items[index];
      const std::string field = fmt::format("spec.addons[{}]", index);
      Addon addon;
      if (const Value* name = written.find("name")) {
        addon.name = {name->scalar, name->place};
        if (!names.insert(name->scalar).second)
          report(name->place, field + ".name", "a name that no addon before it has",
                 in_ticks(name->scalar),
                 name->scalar == "coredns" ? "set spec.coredns to false to bring your own" : "");
      }
      addon.manifest = read_manifest(written, field);
      if (const Value* targets = written.find("waitFor")) {
        for (const Value& target : targets->items) addon.waits_for.push_back(target.scalar);
      }
      cluster.addons.push_back(std::move(addon));
    }
  }

  std::string read_manifest(const Value& addon, const std::string& field) {
    const Value* manifest = addon.find("manifest");
    const Value* file = addon.find("manifestFile");
    if ((manifest != nullptr) == (file != nullptr)) {
      const bool cleared = addon.fields.contains("manifestFile") && file == nullptr;
      if (!cleared)
        report(addon.place, field, "either manifest or manifestFile",
               manifest == nullptr ? "neither" : "both");
      return {};
    }
    if (manifest != nullptr) return checked_manifest(manifest->scalar, *manifest, field);
    const auto found = files_.find(file->scalar);
    if (found != files_.end()) return checked_manifest(found->second, *file, field);
    std::vector<std::string_view> known;
    for (const auto& [name, text] : files_) known.push_back(name);
    report(file->place, field + ".manifestFile", "a file of the inventory's folder",
           in_ticks(file->scalar), did_you_mean(file->scalar, known));
    return {};
  }

  // Documents are kept and shown: what is secret must come another way.
  std::string checked_manifest(const std::string& text, const Value& written,
                               const std::string& field) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
      report(written.place, field, "Kubernetes YAML", "nothing");
    if (text.find("PRIVATE KEY-----") != std::string::npos)
      report(written.place, field, "a manifest without secrets", "a private key in clear");
    return text;
  }

  const Value& document_;
  const InventoryFiles& files_;
  std::vector<InventoryProblem>& problems_;
};

}  // namespace

Cluster read_cluster(const Value& document, const InventoryFiles& files,
                     std::vector<InventoryProblem>& problems) {
  return ClusterReader(document, files, problems).read();
}

}  // namespace muster
