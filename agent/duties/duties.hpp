// What belongs to the cluster and not to a machine, done by one control-plane machine's agent: the
// holder of the Lease kube-system/muster-duties. RBAC bindings, role labels, labels and taints
// equal to the inventory, addons in order, Node objects of removed machines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "document/report.hpp"
#include "result/result.hpp"

namespace muster {

struct DutiesOutcome {
  bool holder = false;       // this machine holds the Lease
  std::string lease_holder;  // the machine that does; empty: not known
  std::vector<std::string>
      done;  // what was changed in the cluster, for people; empty: all was equal
  std::vector<std::string> failed;  // what could not be done; tried again at the next turn
  // What of the cluster should be in effect and is not; `since` is the reporter's to fill in.
  std::vector<HealthProblem> unwell;
  bool addons_ready = false;  // applied, there, and everything they wait for has rolled out
  std::optional<DutiesReport> report;  // for the server; only the holder's
  // Somebody waits for the next turn and its report: pods were sent away, or Nodes removed.
  bool is_awaited = false;
};

// Takes the etcd members of these machines out, where they had one; who was taken out.
using RemoveMembers =
    std::function<Result<std::vector<std::string>>(const std::vector<std::string>& machines)>;

// One turn: take or renew the Lease, compare, change what differs. Call it on a control-plane
// machine whose kube-apiserver answers /readyz, at each converge. A turn with nothing to do starts
// two kubectl processes on the holder (one more when the Lease is due, one more where addons bring
// kinds of their own) and one elsewhere. Idempotent; blocking: addons are waited
// for with `addon_wait` in all, and what has not rolled out by then is waited for by the next turn.
// unavailable: the API server does not answer; forbidden: the first roles are not bound and the
// bootstrap-admin certificate may not bind them; where it has expired, it is taken away, so that
// the next converge obtains another. The Node object of a machine that left is removed after its
// etcd member.
[[nodiscard]] Result<DutiesOutcome> perform_duties(const NodeDocument& document,
                                                   const PeerList& peers, Host& host,
                                                   const RemoveMembers& remove_members,
                                                   std::chrono::milliseconds addon_wait);

}  // namespace muster
