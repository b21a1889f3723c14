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
                                            const NodeDocument& document, std::string_view boot_id);

// "Ready" of a Node object: nothing when it is, else why not. A status of another boot does not
// count: after a power cut the cluster believes it for most of a minute.
[[nodiscard]] Result<void> parse_node_ready(std::string_view node_json, std::string_view boot_id);

// api: no answer; kubelet: not registered or not Ready when `limit` is over.
[[nodiscard]] Step<> await_node_ready(Run& run, const NodeDocument& document,
                                      std::string_view boot_id, std::chrono::milliseconds limit);

}  // namespace muster
