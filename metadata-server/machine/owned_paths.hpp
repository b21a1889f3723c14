// Paths of a machine that its own setup makes, by whatever name a file there would take effect:
// what machine/ renders, the units of Muster with their drop-ins, what its packages and kubelet
// write. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace muster {

// One spelling for folders that Debian links: /lib is /usr/lib, /var/run is /run.
[[nodiscard]] std::string resolved_path(std::string_view path);

// What decides the file instead, as a cure: "spec.kernel.sysctl decides it". Empty: a file there is
// the operator's. `routed`: the pod network is Muster's.
[[nodiscard]] std::string_view owner_of_path(std::string_view path, bool routed);

// Whether a file at `path` would stand where such a path needs a folder, or below such a file.
[[nodiscard]] std::string_view blocked_path(std::string_view path);

}  // namespace muster
