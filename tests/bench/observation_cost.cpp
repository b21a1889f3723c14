// observation-cost: on a machine that converged, what each observation costs there. Prints one line
// each: microseconds (the median of 101), and what it was. As root. tests/bench/observation.py runs
// it.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "agent/effects/effects.hpp"
#include "agent/effects/looks.hpp"
#include "agent/foundation/images.hpp"
#include "agent/host/real_host.hpp"
#include "agent/paths.hpp"
#include "agent/state/checkpoint.hpp"

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

// What the looks want to know of a document, as it lies on the machine.
DesiredState desired_here(const Filesystem& files) {
  DesiredState desired;
  for (const char* path :
       {paths::routes, paths::masquerade, paths::hosts, paths::kernel_sysctl, paths::cni_config}) {
    if (auto content = files.read(path)) desired.files.push_back({path, *content});
  }
  const std::string drop_in = std::string(paths::kubelet_dropins) + "/10-document.conf";
  if (auto content = files.read(drop_in)) desired.files.push_back({drop_in, *content});
  desired.kernel_modules = {"overlay", "br_netfilter", "nf_conntrack"};
  const auto names = files.list(paths::certificates);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    CertificateSpec spec;
    spec.name = (*names)[i];
    spec.path = fmt::format("{}/{}", paths::kubernetes_pki, spec.name);
    spec.owner = "root";
    spec.mode = "0600";
    desired.certificates.push_back(spec);
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
  std::vector<std::string> units{"muster-agent.service"};
  for (const auto& watcher : watchers()) units.emplace_back(watcher.unit);
  for (const auto& [unit, inputs] : checkpoint->units) units.push_back(unit);
  const auto statuses = real.services.statuses(units);
  if (!statuses) return 1;
  const DesiredState desired = desired_here(real.files);
  const Sight sight{real.host, desired, *checkpoint, *statuses};
  const auto look = [&](const char* what, void (*at)(const Sight&, Effects&)) {
    measure(what, [&] {
      Effects effects;
      at(sight, effects);
    });
  };
  look("pod routes, and where packets go", look_at_routes);
  look("the way to its own pods", look_at_own_pods);
  look("masquerading table", look_at_masquerade);
  look("peers' names", look_at_hosts);
  look("sysctls and modules", look_at_kernel);
  look("modes and owners of keys and secrets", look_at_private_files);
  look("somebody else's configuration", look_at_foreign_configuration);
  look("unit files", look_at_unit_files);
  look("drop-ins", look_at_drop_ins);
  look("whether the monitors watch", look_at_watchers);
  look("monitors' findings", look_at_findings);
  measure("all of these", [&] { static_cast<void>(observe_effects(sight)); });
  measure("one gateway", [&] { static_cast<void>(real.routes.is_on_link("10.77.0.13")); });
  measure("images", [&] {
    for (const auto& [archive, manifests] : checkpoint->images) {
      static_cast<void>(has_manifests(real.files, manifests));
    }
  });
  measure("units and their restarts", [&] { static_cast<void>(real.services.statuses(units)); });
  fmt::print("{} routes, {} images, {} units\n", real.routes.ours()->size(),
             checkpoint->images.size(), units.size());
}
