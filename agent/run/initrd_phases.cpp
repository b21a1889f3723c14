#include "agent/run/initrd_phases.hpp"

#include <sstream>

#include "agent/paths.hpp"

namespace muster {

std::vector<Phase> initrd_phases(const Filesystem& files, std::int64_t kernel_us) {
  constexpr std::size_t most = 16, longest_name = 32;
  constexpr double longest = 3600;  // seconds
  std::vector<Phase> phases;
  const auto text = files.read(paths::boot_phases, 4096);
  if (!text) return phases;
  std::istringstream lines(*text);
  for (std::string line; phases.size() < most && std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    double seconds = 0;
    if (!(words >> name >> seconds) || name.size() > longest_name) continue;
    if (!(seconds >= 0 && seconds <= longest)) continue;
    const std::int64_t start = kernel_us + static_cast<std::int64_t>(seconds * 1e6);
    if (!phases.empty() && start < phases.back().start_us) continue;
    if (!phases.empty()) phases.back().end_us = start;
    phases.push_back({"initrd " + name, start, 0, {}});
  }
  return phases;
}

}  // namespace muster
