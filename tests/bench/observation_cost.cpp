// observation-cost: on a machine that converged, what each observation costs there. Prints one line
// each: microseconds (the median of 101), and what it was. As root. tests/bench/observation.py runs
// it.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "agent/checkpoint.hpp"
#include "agent/effects.hpp"
#include "agent/host/real_host.hpp"
#include "agent/images.hpp"
#include "agent/paths.hpp"

namespace {

using namespace muster;

void measure(const char* what, const std::function<void()>& observation) {
  std::vector<double> times;
  for (int run = 0; run < 101; ++run) {
    const auto began = std::chrono::steady_clock::now();
    observation();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    times.push_back(took.count());
  }
  std::nth_element(times.begin(), times.begin() + 50, times.end());
  fmt::print("{:7.0f} {}\n", times[50], what);
}

DesiredState only(const Filesystem& files, const std::vector<const char*>& wanted) {
  DesiredState desired;
  for (const char* path : wanted) {
    if (auto content = files.read(path)) desired.files.push_back({path, *content});
  }
  return desired;
}

}  // namespace

int main() {
  RealHost real;
  const auto checkpoint = load_checkpoint(real.files);
  if (!checkpoint || checkpoint->units.empty()) {
    fmt::print(stderr, "observation-cost: expected a machine that converged, and root\n");
    return 2;
  }
  const auto look = [&](const std::vector<const char*>& wanted) {
    return [&, desired = only(real.files, wanted)] {
      static_cast<void>(observe_effects(real.host, desired));
    };
  };
  measure("monitors' findings", look({}));
  measure("routes, and findings", look({paths::routes}));
  measure("masquerading table, and findings", look({paths::masquerade}));
  measure("peers' names, and findings", look({paths::hosts}));
  measure("all of these", look({paths::routes, paths::masquerade, paths::hosts}));
  measure("one gateway", [&] { static_cast<void>(real.routes.is_on_link("10.77.0.13")); });
  measure("images", [&] {
    for (const auto& [archive, manifests] : checkpoint->images) {
      static_cast<void>(has_manifests(real.files, manifests));
    }
  });
  std::vector<std::string> units = monitor_units();
  for (const auto& [unit, inputs] : checkpoint->units) units.push_back(unit);
  measure("units and their restarts", [&] { static_cast<void>(real.services.statuses(units)); });
  fmt::print("{} routes, {} images, {} units\n", real.routes.ours()->size(),
             checkpoint->images.size(), units.size());
}
