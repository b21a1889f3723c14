#include "publish/taken_generations.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace muster {

namespace {

constexpr std::size_t named = 5;

std::string names_of(const std::vector<MachineGeneration>& machines) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(named, machines.size()); ++i)
    names.push_back(machines[i].node);
  const auto all = fmt::format("{}", fmt::join(names, ", "));
  return machines.size() <= named ? all
                                  : fmt::format("{} and {} more", all, machines.size() - named);
}

}  // namespace

std::uint64_t TakenGenerations::highest() const {
  std::uint64_t highest = 0;
  for (const auto& machine : machines) highest = std::max(highest, machine.generation);
  return highest;
}

std::vector<std::string> notes_of(const TakenGenerations& taken, const std::string& cluster,
                                  std::uint64_t number) {
  std::vector<std::string> notes;
  if (!taken.machines.empty())
    notes.push_back(fmt::format(
        "cluster '{}': {} took generation {} of another history of this site: all of it is published anew as generation {}",
        cluster, names_of(taken.machines), taken.highest(), number));
  for (const auto& [node, generation] : taken.absurd)
    notes.push_back(fmt::format(
        "cluster '{}': {} says that it took generation {}, which no history of this site can have reached: not believed; if it refuses what is published, run `muster-agent reset --yes` on it, or ban it",
        cluster, node, generation));
  return notes;
}

}  // namespace muster
