// One run at a time on one machine: the service's and a person's must not write the same files at
// once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

// Held as long as the value lives; the kernel ends it with the process, however that ends.
using RunLock = FileDescriptor;

// How long the service waits for a person's run before it goes on with what needs no lock.
inline constexpr std::chrono::seconds service_patience{30};

// Waits for a run that is under way (flock on `folder`, which takes no room on a disk), telling so
// once through `narrate`. timeout: it did not end within `patience`; who holds it, and the cure.
[[nodiscard]] Result<RunLock> take_run_lock(const std::string& folder, Host& host,
                                            std::chrono::milliseconds patience,
                                            const std::function<void(std::string_view)>& narrate);

// That of this machine, paths::state, which is made where there is none yet; what else is in its
// place is set aside.
[[nodiscard]] Result<RunLock> take_run_lock(Host& host, std::chrono::milliseconds patience,
                                            const std::function<void(std::string_view)>& narrate);

// Of the run that holds the lock, by /proc: "process 4711 (muster-agent converge), which runs since
// 2026-12-01T12:00:00Z; ..." with what to do about it; whether it is suspended, too.
[[nodiscard]] std::string lock_holder(const Host& host);

}  // namespace muster
