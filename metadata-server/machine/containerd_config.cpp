#include "machine/containerd_config.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "machine/paths.hpp"

namespace muster {
namespace {

// JSON's escapes are a subset of TOML's basic strings.
std::string toml_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

// A pod network of the operator's own brings its plugins to where all of them do; ours, such as
// bridge and host-local, are what most of them build on.
std::string cni_folders(const NodeDocument& document) {
  const std::string ours = toml_text(folder_of(paths::program("cni-plugins", "bridge")));
  if (document.role.cluster.pod_network == PodNetwork::routed) return fmt::format("[{}]", ours);
  return fmt::format("[{}, {}]", toml_text(paths::addon_cni_plugins), ours);
}

// Whether the URL's path says where the registry's API begins: containerd adds /v2 to any other.
bool names_api(std::string_view url) {
  return (std::string(url) + "/").find("/v2/") != std::string::npos;
}

}  // namespace

std::string containerd_config(const NodeDocument& document, const Facts& facts) {
  // restrict_oom_score_adj: where a container may not lower its score (a test host, a rootless
  // one), pods still start; elsewhere it changes nothing, since scores are only raised then.
  return fmt::format(R"(version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = {socket}

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = {sandbox}

[plugins."io.containerd.cri.v1.images".registry]
  config_path = {registries}

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = {cni}
  conf_dir = {cni_config}

[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = {runc}
  SystemdCgroup = {systemd_cgroup}
)",
                     fmt::arg("socket", toml_text(paths::containerd_socket)),
                     fmt::arg("sandbox", toml_text(document.config.containerd.sandbox_image)),
                     fmt::arg("registries", toml_text(paths::registry_hosts)),
                     fmt::arg("cni", cni_folders(document)),
                     fmt::arg("cni_config", toml_text(folder_of(paths::cni_config))),
                     fmt::arg("runc", toml_text(paths::program("runc", "runc"))),
                     fmt::arg("systemd_cgroup", facts.cgroup_version != 1));
}

Arguments containerd_arguments(const NodeDocument& document) {
  Arguments arguments = {{"config", paths::containerd_config}};
  arguments.override_with(document.config.component_arguments, "containerd");
  return arguments;
}

std::string registry_hosts(std::string_view registry, const std::vector<std::string>& mirrors) {
  // The one registry whose name is not its address.
  const std::string server = registry == "docker.io" ? "https://registry-1.docker.io"
                                                     : fmt::format("https://{}", registry);
  std::string text = fmt::format("server = {}\n", toml_text(server));
  for (const std::string& mirror : mirrors) {
    text +=
        fmt::format("\n[host.{}]\n  capabilities = [\"pull\", \"resolve\"]\n", toml_text(mirror));
    if (names_api(mirror)) text += "  override_path = true\n";
  }
  return text;
}

}  // namespace muster
