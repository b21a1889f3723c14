// What master and follower run beside what every machine runs: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, and the credentials of the duties. The two roles differ
// in how their etcd member starts for the first time, which the server decides (EtcdStart). Pure.
#pragma once

#include "machine/desired_state.hpp"
#include "machine/facts.hpp"

namespace muster {

void add_control_plane(const NodeDocument& document, const EtcdStart& etcd, DesiredState& state);

}  // namespace muster
