#include "machine/unit_traits.hpp"

namespace muster {
namespace {

void add_needs(std::string_view unit, std::set<std::string>& needs) {
  for (const auto& need : traits_of(unit).needs) {
    if (needs.emplace(need).second) add_needs(need, needs);
  }
}

}  // namespace

const std::vector<UnitTraits>& unit_traits() {
  static const std::vector<UnitTraits> traits{
      {"muster-kernel.service", {}},
      {"muster-routes.service", {}},
      {"containerd.service", {}},
      {"etcd.service", {}},
      {"kube-api-balancer.service", {}},
      {"muster-await-api.service", {"kube-api-balancer.service"}},
      {"kubelet.service",
       {"containerd.service", "muster-kernel.service", "muster-routes.service",
        "muster-await-api.service"}},
      {"kube-proxy.service", {"muster-kernel.service", "muster-await-api.service"}, 10256},
      {"kube-apiserver.service", {"etcd.service"}},
      {"kube-controller-manager.service", {"kube-apiserver.service"}, 10257},
      {"kube-scheduler.service", {"kube-apiserver.service"}, 10259}};
  return traits;
}

UnitTraits traits_of(std::string_view unit) {
  for (const auto& traits : unit_traits()) {
    if (traits.name == unit) return traits;
  }
  return {unit, {}};
}

std::set<std::string> needs_of(std::string_view unit) {
  std::set<std::string> needs;
  add_needs(unit, needs);
  return needs;
}

}  // namespace muster
