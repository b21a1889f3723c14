// Takes away everything that the agent has put on a machine and leaves it as it was found. Run by a
// person as root, not by the unit: it unmounts and changes the network.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

// Stops the component units, unmounts what pods mounted, takes back network and kernel settings,
// removes or restores every recorded file, removes the packages that were installed, and last the
// agent's own state. /etc/muster/agent.json stays: it was there before. Goes on after a failure and
// answers all of them as one error; safe to repeat.
// A tombstone goes with it, and the machine may enrol again; where the tombstone ordered this, it
// stays, and the machine stays as it is then.
enum class TombstoneGoes { yes, no };
// A control-plane machine of a cluster that goes on leaves etcd before anything else; where it
// cannot (it is the last member, etcd is silent or has no quorum without it), nothing is taken
// away, and the error says why. `abandoned`: its member stays in the cluster, dead.
enum class EtcdMembership { leaves, abandoned };
// `last_word`: while the identity is still there, and all the rest has gone; not where an end
// ordered it, which the server knows of.
[[nodiscard]] Result<void> reset(Host& host, const std::function<void(std::string_view)>& narrate,
                                 TombstoneGoes tombstone = TombstoneGoes::yes,
                                 EtcdMembership membership = EtcdMembership::leaves,
                                 const std::function<void()>& last_word = {});

// Stops kubelet and ends what pods run, for at most two minutes. Their processes are in no unit of
// ours and outlive containerd on purpose: a machine that switches itself off would wait for them.
[[nodiscard]] Result<void> end_pods(Host& host);

// Mount points under any of `folders`, deepest first, from the text of /proc/self/mounts.
[[nodiscard]] std::vector<std::string> mounts_under(std::string_view mounts,
                                                    const std::vector<std::string>& folders);

}  // namespace muster
