// The last question of a boot: does the cluster call this machine Ready. Asked at kube-apiserver
// with kubelet's own certificate, which may read its own Node and nothing else.
#pragma once

#include <string>

#include "agent/failure.hpp"
#include "agent/run.hpp"
#include "document/node_document.hpp"

namespace muster {

// One look. unavailable: the API does not answer; not_found: kubelet has not registered; conflict:
// not Ready, with kubelet's own message.
[[nodiscard]] Result<void> check_node_ready(const Host& host, Network& network,
                                            const NodeDocument& document);

// "Ready" of a Node object: nothing when it is, else why not.
[[nodiscard]] Result<void> parse_node_ready(std::string_view node_json);

// api: no answer; kubelet: not registered or not Ready when `limit` is over.
[[nodiscard]] Step<> await_node_ready(Run& run, const NodeDocument& document,
                                      std::chrono::milliseconds limit);

}  // namespace muster
