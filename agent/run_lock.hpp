// One run at a time on one machine: the service's and a person's must not number their reports or
// write the same files at once.
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

// Waits for a run that is under way (flock on `path`), telling so once through `narrate`. timeout:
// it did not end within the deadline of a run.
[[nodiscard]] Result<RunLock> take_run_lock(const std::string& path, Clock& clock,
                                            const std::function<void(std::string_view)>& narrate);

// That of this machine, paths::run_lock; makes the state folder where there is none yet.
[[nodiscard]] Result<RunLock> take_run_lock(Host& host,
                                            const std::function<void(std::string_view)>& narrate);

}  // namespace muster
