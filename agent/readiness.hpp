// The questions of a boot at kube-apiserver: does it answer, before kubelet starts; and at the end,
// with kubelet's own certificate, which may read its own Node and nothing else: does the cluster
// call this machine Ready.
#pragma once

#include <string>

#include "agent/failure.hpp"
#include "agent/run.hpp"
#include "document/node_document.hpp"

namespace muster {

// Until an API server behind `url` says 200 to /readyz (anonymous, and the cluster's CA vouches for
// it), `limit` at most; the error is that of the last try.
[[nodiscard]] Result<void> await_api(const Host& host, Network& network, const std::string& url,
                                     std::chrono::milliseconds limit);

// One look. unavailable: the API does not answer; not_found: kubelet has not registered; conflict:
// not Ready, with kubelet's own message.
[[nodiscard]] Result<void> check_node_ready(const Host& host, Network& network,
                                            const NodeDocument& document, std::string_view boot_id);

// "Ready" of a Node object: nothing when it is, else why not. A status of another boot does not
// count: after a power cut the cluster believes it for most of a minute.
[[nodiscard]] Result<void> parse_node_ready(std::string_view node_json, std::string_view boot_id);

// api: no answer; kubelet: not registered or not Ready when `limit` is over.
[[nodiscard]] Step<> await_node_ready(Run& run, const NodeDocument& document,
                                      std::string_view boot_id, std::chrono::milliseconds limit);

}  // namespace muster
