// A kubeconfig with a key made here and a certificate of minutes to hours in the caller's name.
// Nothing of it is kept but the audit row.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"

namespace muster {

struct KubeconfigOrder {
  std::string cluster;
  std::chrono::seconds lifetime = std::chrono::hours(12);
  bool break_glass = false;  // past RBAC
};
inline constexpr std::chrono::seconds longest_kubeconfig = std::chrono::hours(24);
inline constexpr std::chrono::seconds longest_break_glass = std::chrono::hours(1);

struct Kubeconfig {
  std::string text;
  std::vector<std::string> contexts;  // the current one first
};
// Refusals: not_yours; restricted: break-glass by an operator with limits; not_found: nothing is
// published for the cluster.
[[nodiscard]] Result<Kubeconfig> issue_kubeconfig(const Fleet& fleet, const Caller& person,
                                                  const KubeconfigOrder& order);

}  // namespace muster
