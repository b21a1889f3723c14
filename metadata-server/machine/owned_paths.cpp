#include "machine/owned_paths.hpp"

#include <algorithm>
#include <array>

#include "machine/paths.hpp"

namespace muster {
namespace {

struct OwnedPath {
  std::string_view path;  // a '/' at its end: all below it
  std::string_view owner;
};

constexpr std::string_view muster_writes = "Muster writes what is there";
constexpr std::string_view host_name_owner = "the Node's metadata.name decides it";
constexpr std::string_view hosts_owner =
    "Muster keeps the peers' names in it, and every other line";
constexpr std::string_view by_runtime = "Muster writes containerd's configuration";
constexpr std::string_view by_mirrors = "spec.containerd.registryMirrors decides it";
constexpr std::string_view by_pod_network =
    "the cluster's podNetwork decides it: containerd takes the first file there";
constexpr std::string_view by_package = "Muster's packages bring it";
constexpr std::string_view by_unit =
    "the unit is Muster's: spec.componentArguments and spec.kubelet decide how a component runs";
constexpr std::string_view by_every_unit =
    "it is of every service, Muster's among them: a unit of yours has a folder of its own, and environment for all is DefaultEnvironment= in /etc/systemd/system.conf.d";
constexpr std::string_view by_runtime_unit =
    "the unit is Muster's: registries are reached over spec.containerd.registryMirrors; environment for every unit, such as a proxy, is DefaultEnvironment= in /etc/systemd/system.conf.d, from the next boot on";

constexpr std::array owned_paths = {
    OwnedPath{paths::host_name, host_name_owner},
    OwnedPath{"/etc/hosts", hosts_owner},
    OwnedPath{paths::containerd_config, by_runtime},
    OwnedPath{"/etc/containerd/conf.d/", by_runtime},
    OwnedPath{paths::cni_config, by_pod_network},
    OwnedPath{paths::kernel_modules, "spec.kernel.modules decides it"},
    OwnedPath{paths::kernel_sysctl, "spec.kernel.sysctl decides it"},
    OwnedPath{"/etc/kubernetes/", muster_writes},
    OwnedPath{"/etc/muster/", muster_writes},
    OwnedPath{"/opt/muster/", muster_writes},
    OwnedPath{"/var/lib/muster/", muster_writes},
    OwnedPath{"/var/lib/etcd/", "etcd's data is there"},
    OwnedPath{"/var/log/kubernetes/", "kube-apiserver writes its audit log there"},
    OwnedPath{"/run/muster-agent/", muster_writes},
    OwnedPath{"/run/muster-monitor/", muster_writes},
    OwnedPath{"/run/muster-routes/", muster_writes},
    OwnedPath{"/run/issue.d/muster.issue", muster_writes},
    OwnedPath{"/run/containerd/", "containerd keeps its state there"},
    OwnedPath{
        "/etc/systemd/logind.conf.d/99-kubelet.conf",
        "kubelet writes it: shutdownGracePeriod in spec.kubelet.extraConfiguration decides it"},
    OwnedPath{"/usr/bin/muster", by_package},
    OwnedPath{"/usr/bin/muster-agent", by_package},
    OwnedPath{"/usr/bin/muster-server", by_package},
};

// A file of the same name in /etc or /run takes the place of the package's.
constexpr std::array packaged_files = {
    std::string_view("sysusers.d/muster.conf"), std::string_view("tmpfiles.d/muster.conf"),
    std::string_view("systemd/networkd.conf.d/muster.conf"),
    std::string_view("systemd/network/10-cloud-init-node0.network.d/muster.conf"),
    std::string_view("systemd/network/10-netplan-node0.network.d/muster.conf")};

// systemd also reads drop-ins of a name's beginnings: "kube-.service.d" is of every kube-x.service.
constexpr std::array owned_units = {
    std::string_view("containerd.service"),
    std::string_view("etcd.service"),
    std::string_view("kube-.service"),
    std::string_view("kube-api-.service"),
    std::string_view("kube-api-balancer.service"),
    std::string_view("kube-apiserver.service"),
    std::string_view("kube-controller-.service"),
    std::string_view("kube-controller-manager.service"),
    std::string_view("kube-proxy.service"),
    std::string_view("kube-scheduler.service"),
    std::string_view("kubelet.service"),
};

bool is_unit(std::string_view name) {
  return std::find(owned_units.begin(), owned_units.end(), name) != owned_units.end() ||
         name.starts_with("muster-") || name == "muster.target";
}

// "kubelet.service", "kubelet.service.d/x.conf", "kubelet.service.requires/x": of kubelet.service.
std::string_view unit_of(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('/'));
  for (const std::string_view folder : {".d", ".wants", ".requires", ".upholds"}) {
    if (first.ends_with(folder)) return first.substr(0, first.size() - folder.size());
  }
  return first;
}

std::string_view owner_of_unit_file(std::string_view path) {
  for (const std::string_view folder :
       {"/etc/systemd/system/", "/etc/systemd/system.control/", "/run/systemd/system/",
        "/usr/lib/systemd/system/", "/usr/local/lib/systemd/system/"}) {
    if (!path.starts_with(folder)) continue;
    const std::string_view name = unit_of(path.substr(folder.size()));
    if (path.substr(folder.size()).starts_with("service.d/")) return by_every_unit;
    if (!is_unit(name)) return {};
    return name == "containerd.service" ? by_runtime_unit : by_unit;
  }
  return {};
}

bool is_packaged(std::string_view path) {
  for (const std::string_view folder : {"/etc/", "/run/", "/usr/lib/", "/usr/local/lib/"}) {
    if (!path.starts_with(folder)) continue;
    const std::string_view name = path.substr(folder.size());
    if (std::find(packaged_files.begin(), packaged_files.end(), name) != packaged_files.end())
      return true;
  }
  return false;
}

bool is_cni_configuration(std::string_view path) {
  return path.starts_with("/etc/cni/net.d/") &&
         (path.ends_with(".conf") || path.ends_with(".conflist") || path.ends_with(".json"));
}

}  // namespace

std::string resolved_path(std::string_view path) {
  for (const std::string_view folder : {"/bin/", "/sbin/", "/lib/", "/lib64/"}) {
    if (path.starts_with(folder)) return "/usr" + std::string(path);
  }
  if (path.starts_with("/var/run/")) return "/run/" + std::string(path.substr(9));
  if (path.starts_with("/var/lock/")) return "/run/lock/" + std::string(path.substr(10));
  return std::string(path);
}

std::string_view owner_of_path(std::string_view written, bool routed) {
  const std::string path = resolved_path(written);
  for (const OwnedPath& entry : owned_paths) {
    const bool is_folder = entry.path.ends_with("/");
    if (is_folder ? path.starts_with(entry.path) : path == entry.path) return entry.owner;
  }
  if (path.starts_with(paths::registry_hosts) && path.ends_with("/hosts.toml")) return by_mirrors;
  if (routed && is_cni_configuration(path)) return by_pod_network;
  if (is_packaged(path)) return by_package;
  return owner_of_unit_file(path);
}

std::string_view blocked_path(std::string_view written) {
  const std::string path = resolved_path(written);
  for (const OwnedPath& entry : owned_paths) {
    if (entry.path.starts_with(path + "/") || path.starts_with(std::string(entry.path) + "/"))
      return entry.path;
  }
  return {};
}

}  // namespace muster
