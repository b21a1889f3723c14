#include "inventory/check_network_policies.hpp"

#include <fmt/format.h>

#include <sstream>

namespace muster {

namespace {

// Of YAML as of JSON, `kind: NetworkPolicy`, written in whichever way; a comment is none.
bool names_network_policy(const std::string& manifest) {
  std::istringstream lines(manifest);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    std::erase_if(line, [](char letter) {
      return letter == ' ' || letter == '\t' || letter == '\r' || letter == '"' || letter == '\'';
    });
    const std::size_t at = line.find("kind:NetworkPolicy");
    if (at == std::string::npos) continue;
    const std::size_t end = at + std::string_view("kind:NetworkPolicy").size();
    const bool is_start =
        at == 0 || line[at - 1] == '{' || line[at - 1] == ',' || line[at - 1] == '-';
    if (is_start && (end == line.size() || line[end] == ',' || line[end] == '}')) return true;
  }
  return false;
}

}  // namespace

void check_network_policies(const Cluster& cluster, RuleFindings& findings) {
  if (cluster.pod_network.value != PodNetwork::routed) return;
  for (std::size_t index = 0; index < cluster.addons.size(); ++index) {
    const Addon& addon = cluster.addons[index];
    if (!names_network_policy(addon.manifest)) continue;
    findings.warn(
        addon.name.place, fmt::format("spec.addons[{}]", index),
        "no NetworkPolicy with podNetwork routed, which enforces none", "one",
        "unless an addon enforces it, every pod reaches every other: set podNetwork to none with an addon such as Calico or Cilium");
  }
}

}  // namespace muster
