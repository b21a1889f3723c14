// kubelet's configuration file, its drop-in and its command line. Pure; golden-tested.
// Reference: kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1.
#pragma once

#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "machine/arguments.hpp"
#include "machine/facts.hpp"

namespace muster {

// KubeletConfiguration v1beta1 as YAML.
[[nodiscard]] std::string kubelet_config(const NodeDocument& document, const Facts& facts);

// The document's extra configuration as a drop-in for --config-dir, with the kind and apiVersion
// without which kubelet crashes (kubernetes#124796). Always written, so that removing the last
// extra setting leaves an empty drop-in and no stale one. Lists in it replace the configuration's.
[[nodiscard]] std::string kubelet_dropin(const NodeDocument& document);

[[nodiscard]] Arguments kubelet_arguments(const NodeDocument& document);

// Labels and taints of the first registration. Kubelet never looks at them again
// (kubernetes#109569), so they are apart from what it is restarted for; the holder of the duties
// keeps the Node object.
[[nodiscard]] Arguments kubelet_registration_arguments(const NodeDocument& document);

// What every Node object of this role is tainted with: the inventory's taints, and
// node-role.kubernetes.io/control-plane:NoSchedule on control planes.
[[nodiscard]] std::vector<Taint> node_taints(bool control_plane, std::vector<Taint> taints);

// Whether kubelet may set this label on itself; the holder of the duties sets the others
// (kubernetes/pkg/kubelet/apis/well_known_labels.go; NodeRestriction refuses the rest).
[[nodiscard]] bool is_kubelet_label(std::string_view key);

}  // namespace muster
