// Members of pools that are not heard of any more: told early, removed after their pool's
// vanishedAfter (README.md, "Machines that vanish").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fleet/fleet.hpp"

namespace muster {

// Not thread-safe: a background task owns it.
class VanishWatch {
 public:
  // Removes whoever vanished; nobody while the clock is in doubt. Costs a look at memory where
  // nobody is silent. A cluster that fails holds up no other: the first error is told at the end.
  [[nodiscard]] Result<void> look(const Fleet& fleet);

 private:
  struct Silent {
    NodeName node;
    std::int64_t seconds = 0;
  };
  [[nodiscard]] static std::map<std::string, std::vector<Silent>> vanished(const Fleet& fleet);
  [[nodiscard]] Result<void> remove_longest_silent(const Fleet& fleet, const std::string& cluster,
                                                   std::vector<Silent> machines);
  [[nodiscard]] std::size_t allowance(const Fleet& fleet, const std::string& cluster);

  struct Window {
    std::int64_t end = 0;  // since boot
    std::size_t removed = 0;
  };
  std::map<std::string, Window> windows_;  // by cluster
};

// The Unix second at which a member that is silent for half of its pool's vanishedAfter already
// will be removed, other things being well; nothing for everybody else.
[[nodiscard]] std::optional<std::int64_t> vanishes_at(const Fleet& fleet, const NodeName& node);

}  // namespace muster
