// The same work on many things, a few at a time.
#pragma once

#include <cstddef>
#include <functional>

namespace muster {

// Calls work(0) ... work(count - 1), in this order but up to `threads` at once, the caller's thread
// among them; returns when all are done. `work` is called from several threads and must not throw.
// Where the machine gives no more threads, fewer do it all.
void at_once(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace muster
