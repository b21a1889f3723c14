// kubelet registers its Node object when it starts, and never again: where the object is deleted
// later, only a restart of kubelet brings it back (kubernetes/kubernetes#71398). When one is due.
// Pure, but for process_age, which reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "document/peer_list.hpp"

namespace muster {

// How often kubelet was restarted for its Node object, and when last; in the checkpoint.
struct NodeRestarts {
  int count = 0;
  std::int64_t at = 0;  // Unix seconds
};

// How long kubelet is to be left alone yet, though its Node object is gone; zero: a restart is due.
// Half a minute after the first restart, then one, two, up to 32: whoever deletes the object again
// and again may have a reason. After two hours without a restart it begins anew. A clock that went
// back delays nothing.
[[nodiscard]] std::chrono::seconds until_node_restart(const NodeRestarts& restarts,
                                                      std::int64_t now);
// With one more, at `now`.
[[nodiscard]] NodeRestarts with_node_restart(const NodeRestarts& restarts, std::int64_t now);

// When a process was started, in CLOCK_BOOTTIME, by its /proc/PID/stat (proc_pid_stat(5), field
// 22).
[[nodiscard]] std::optional<std::chrono::nanoseconds> process_start(std::string_view stat);
// For how long a process runs; nothing where it is not there.
[[nodiscard]] std::optional<std::chrono::nanoseconds> process_age(const Host& host,
                                                                  std::uint32_t pid);

// The Node of a machine that left the cluster must not come back.
[[nodiscard]] bool is_peer(const PeerList& peers, const std::string& node);

}  // namespace muster
