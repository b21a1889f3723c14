// The questions of a boot at kube-apiserver: does it answer, before kubelet starts; and at the end,
// with kubelet's own certificate, which may read its own Node and nothing else: does the cluster
// call this machine Ready.
#pragma once

#include <string>

#include "agent/run/exit_watch.hpp"
#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"

namespace muster {

// Until an API server behind `url` says 200 to /readyz (anonymous, and the cluster's CA vouches for
// it), `limit` at most; the error is that of the last try.
[[nodiscard]] Result<void> await_api(const Host& host, Network& network, const std::string& url,
                                     std::chrono::milliseconds limit);

// What a Node's status must be of, to be believed.
struct KubeletStart {
  std::string boot_id;
  // When kubelet was started anew within this boot: RFC 3339 in UTC, to the second, as Kubernetes
  // writes times. Empty: any status of this boot counts.
  std::string at;
};

// One look. unavailable: the API does not answer; not_found: kubelet has not registered; conflict:
// not Ready, with kubelet's own message.
[[nodiscard]] Result<void> check_node_ready(const Host& host, Network& network,
                                            const NodeDocument& document,
                                            const KubeletStart& start);
// The Node as the API has it, for the same; errors alike.
[[nodiscard]] Result<std::string> get_node(const Host& host, Network& network,
                                           const NodeDocument& document);

// "Ready" of a Node object: nothing when it is, else why not. A status of another boot does not
// count: after a power cut the cluster believes it for most of a minute. Nor does one from before
// kubelet's start (lastHeartbeatTime, which kubelet sets with its first status).
[[nodiscard]] Result<void> parse_node_ready(std::string_view node_json, const KubeletStart& start);

// A unit of `exits` that exits again and again ends the wait.
// api: no answer; kubelet: not registered or not Ready when `limit` is over. Where the Node object
// is gone, and not because kubelet has yet to register, kubelet is restarted, with a back-off
// (node_object.hpp), and waited for half a minute more. Not where `peers` have this machine no
// more.
[[nodiscard]] ConvergeResult<> await_node_ready(Run& run, const NodeDocument& document,
                                                const PeerList& peers, const KubeletStart& start,
                                                ExitWatch& exits, std::chrono::milliseconds limit);

}  // namespace muster
