#include "machine/desired_state_of.hpp"

#include <charconv>

#include "machine/control_plane.hpp"
#include "machine/files.hpp"
#include "machine/host_name.hpp"
#include "machine/kernel.hpp"
#include "machine/kubernetes_release.hpp"
#include "machine/node.hpp"
#include "machine/paths.hpp"

namespace muster {
namespace {

constexpr int oldest_kubernetes_minor = 34;

void check_releases(const NodeDocument& document, std::vector<std::string>& problems) {
  std::vector<std::string> needed = {"containerd", "runc", node_release(document)};
  if (document.role.cluster.pod_network == PodNetwork::routed) needed.push_back("cni-plugins");
  if (document.role.cluster.api.mode == EndpointMode::node_local) needed.push_back("haproxy");
  if (is_control_plane(document.role.role)) {
    needed.push_back("etcd");
    if (control_plane_release(document) != node_release(document)) {
      needed.push_back(control_plane_release(document));
    }
  }
  for (const std::string& release : needed) {
    if (release_version(document, release).empty()) {
      problems.push_back(fmt::format(
          "/config/releases: expected a release '{}', which the role {} runs, found none; import it with `muster release import` and apply the inventory again",
          release, name(document.role.role)));
    }
  }
}

void check_kubernetes_version(const NodeDocument& document, const std::string& release,
                              std::vector<std::string>& problems) {
  const std::string version = release_version(document, release);
  if (version.empty()) return;  // said by check_releases
  int minor = -1;
  if (version.rfind("1.", 0) == 0) {
    std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  }
  if (minor < oldest_kubernetes_minor) {
    problems.push_back(fmt::format(
        "/config/releases: expected {} 1.{} or later (structured authentication is v1 since then), found '{}'",
        release, oldest_kubernetes_minor, version));
  }
}

void add_authorities(const NodeDocument& document, DesiredState& state) {
  for (const auto& [name, certificates] : document.role.cluster.authorities) {
    std::string bundle;
    for (const std::string& pem : certificates) {
      bundle += pem;
      if (!pem.empty() && pem.back() != '\n') bundle += '\n';
    }
    state.files.push_back({paths::authority(name), bundle});
  }
}

}  // namespace

Result<DesiredState> desired_state_of(const NodeDocument& document, const PeerList& peers,
                                      const Facts& facts, const EtcdStart& etcd) {
  std::vector<std::string> problems;
  check_releases(document, problems);
  check_kubernetes_version(document, node_release(document), problems);
  if (control_plane_release(document) != node_release(document)) {
    check_kubernetes_version(document, control_plane_release(document), problems);
  }

  DesiredState state;
  state.releases = document.config.releases;
  state.certificates = document.certificates;
  state.secrets = document.config.secrets;
  state.directories = {{paths::kubernetes}, {paths::kubernetes_pki}, {paths::arguments}};
  add_authorities(document, state);
  add_kernel(document, facts, state);
  add_host_name(document, state);
  switch (document.role.role) {
    case Role::master:
    case Role::follower:
      add_control_plane(document, etcd, state);
      [[fallthrough]];
    case Role::node:
      add_node(document, peers, facts, state);
  }
  const std::vector<std::string> clashes = add_files(document, state);
  problems.insert(problems.end(), clashes.begin(), clashes.end());

  if (!problems.empty()) {
    return fail(ErrorKind::invalid, fmt::format("{}", fmt::join(problems, "\n")));
  }
  return state;
}

}  // namespace muster
