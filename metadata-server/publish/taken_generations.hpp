// What machines say that they have of a cluster already. After an older database was put back they
// refuse all that is not above it; an operator's publication is (publish.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace muster {

// No database is put back that is so many publications old: one machine's word moves the
// generations of its cluster no further at once.
inline constexpr std::uint64_t longest_lost_history = 1'000'000;

struct MachineGeneration {
  std::string node;
  std::uint64_t generation = 0;
};

struct TakenGenerations {
  // Of another history: above what is served, or another content of that very generation.
  std::vector<MachineGeneration> machines;
  // What no history of this site can have reached.
  std::vector<MachineGeneration> absurd;

  [[nodiscard]] std::uint64_t highest() const;
};

// For people, a line for each: with the number that it is published as.
[[nodiscard]] std::vector<std::string> notes_of(const TakenGenerations& taken,
                                                const std::string& cluster, std::uint64_t number);

}  // namespace muster
