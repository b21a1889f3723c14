#include "machine/command_lines.hpp"

#include "machine/containerd_config.hpp"
#include "machine/etcd.hpp"
#include "machine/kube_apiserver.hpp"
#include "machine/kube_controllers.hpp"
#include "machine/kube_proxy.hpp"
#include "machine/kubelet_config.hpp"

namespace muster {

std::map<std::string, std::vector<std::string>> command_lines(const NodeDocument& document) {
  std::map<std::string, std::vector<std::string>> lines;
  lines["kubelet"] = kubelet_arguments(document).words();
  for (const std::string& word : kubelet_registration_arguments(document).words())
    lines["kubelet"].push_back(word);
  lines["containerd"] = containerd_arguments(document).words();
  lines["kube-proxy"] = kube_proxy_arguments(document).words();
  if (!is_control_plane(document.role.role)) return lines;
  lines["etcd"] = etcd_arguments(document).words();
  lines["kube-apiserver"] = kube_apiserver_arguments(document).words();
  lines["kube-controller-manager"] = kube_controller_manager_arguments(document).words();
  lines["kube-scheduler"] = kube_scheduler_arguments(document).words();
  return lines;
}

}  // namespace muster
