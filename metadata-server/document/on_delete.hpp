// What a machine does when its cluster, or its place in it, ends: a pool says so in the inventory,
// a tombstone tells the machine.
#pragma once

#include <string_view>

#include "result/result.hpp"

namespace muster {

enum class OnDelete {
  poweroff,
  reset,  // everything of Muster and Kubernetes is taken away, the machine stays on
  keep,   // nothing is touched, and nothing is started again
};
[[nodiscard]] std::string_view name(OnDelete on_delete);
[[nodiscard]] Result<OnDelete> parse_on_delete(std::string_view text);

}  // namespace muster
