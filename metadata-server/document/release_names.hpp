// Names of releases that more than one room must know. What a machine never runs is a release of
// its own, so that it is not downloaded.
#pragma once

#include <string_view>

namespace muster::releases {

// kubelet, kube-proxy, kubectl
inline constexpr std::string_view kubernetes_node = "kubernetes-node";
// kube-apiserver, kube-controller-manager, kube-scheduler
inline constexpr std::string_view kubernetes_control_plane = "kubernetes-control-plane";
// All six in one, as before they were two: stores, images and documents of that time stay good.
inline constexpr std::string_view kubernetes = "kubernetes";

[[nodiscard]] constexpr bool is_of_kubernetes(std::string_view name) {
  return name == kubernetes || name == kubernetes_node || name == kubernetes_control_plane;
}

// What machines start by and none installs: `muster image build` names them so.
inline constexpr std::string_view image_prefix = "image-";
[[nodiscard]] constexpr bool is_image(std::string_view name) {
  return name.starts_with(image_prefix);
}

}  // namespace muster::releases
