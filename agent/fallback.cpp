#include "agent/fallback.hpp"

#include <algorithm>

#include "agent/effects/observed_state.hpp"
#include "document/release_names.hpp"
#include "machine/unit_traits.hpp"

namespace muster {
namespace {

template <class Entry>
const Entry* find_named(const std::vector<Entry>& entries, std::string_view name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

std::string minor_of(const std::string& version) {
  return version.substr(0, version.find('.', version.find('.') + 1));
}

bool is_kept(const ReleaseReference& settled, const ReleaseReference& newest) {
  if (settled.name == "etcd" || settled.name == "host-tools" || settled.name == "haproxy") {
    return settled.manifest_digest != newest.manifest_digest;
  }
  return settled.name == "containerd" && minor_of(settled.version) != minor_of(newest.version);
}

void take_secret_versions(NodeDocument& document, const NodeDocument& newest) {
  for (SecretReference& secret : document.config.secrets) {
    const auto* found = find_named(newest.config.secrets, secret.name);
    if (found != nullptr) secret.version = found->version;
  }
}

// The units that are started with something else than the settled ones are.
std::set<std::string> changed_units(const DesiredState& tried, const DesiredState& settled) {
  const auto before = configurations_of(settled);
  std::set<std::string> changed;
  for (const auto& [unit, configuration] : configurations_of(tried)) {
    const auto was = before.find(unit);
    if (was == before.end() || was->second != configuration) changed.insert(unit);
  }
  return changed;
}

// Whether the unit, or something that it needs, is one of them.
bool is_touched(const std::string& unit, const std::set<std::string>& changed) {
  const auto needs = needs_of(unit);
  return changed.count(unit) > 0 ||
         std::any_of(needs.begin(), needs.end(),
                     [&](const std::string& need) { return changed.count(need) > 0; });
}

Blame blame_for_unit(const std::string& unit, const std::set<std::string>& changed,
                     const std::map<std::string, std::string>& troubles) {
  if (!is_touched(unit, changed)) return {};
  for (const auto& need : needs_of(unit)) {
    const auto trouble = troubles.find(need);
    if (trouble == troubles.end() || is_touched(need, changed)) continue;
    return {false, fmt::format("{} was in trouble meanwhile ({})", need, trouble->second)};
  }
  return {true, {}};
}

bool has_other_releases(const DesiredState& tried, const DesiredState& settled) {
  return std::any_of(tried.releases.begin(), tried.releases.end(), [&](const auto& release) {
    const auto* was = find_named(settled.releases, release.name);
    return was == nullptr || was->manifest_digest != release.manifest_digest;
  });
}

}  // namespace

bool can_fall_back(const NodeDocument& settled, const NodeDocument& newest) {
  return is_control_plane(settled.role.role) == is_control_plane(newest.role.role);
}

Fallback fall_back(const NodeDocument& settled, const NodeDocument& newest) {
  Fallback fallback{settled, {}};
  NodeDocument& document = fallback.document;
  document.role.cluster.authorities = newest.role.cluster.authorities;
  document.config.banned_machines = newest.config.banned_machines;
  document.certificates = newest.certificates;
  take_secret_versions(document, newest);
  // What it starts by next is the server's to hand out, by the newest.
  document.config.netboot = newest.config.netboot;
  document.config.state_disk = newest.config.state_disk;
  document.config.kernel.arguments = newest.config.kernel.arguments;
  for (ReleaseReference& release : document.config.releases) {
    const auto* newer = find_named(newest.config.releases, release.name);
    if (newer == nullptr || !is_kept(release, *newer)) continue;
    release = *newer;
    fallback.stays.push_back(release.name + " " + release.version);
  }
  return fallback;
}

Blame blame_for(const Failure& failure, const DesiredState& tried, const DesiredState& settled,
                const std::set<std::string>& waits,
                const std::map<std::string, std::string>& troubles) {
  switch (failure.kind) {
    case FailureClass::document:
      return {true, {}};
    case FailureClass::package:
      return {has_other_releases(tried, settled), {}};
    case FailureClass::runtime:
    case FailureClass::kubelet:
    case FailureClass::etcd:
    case FailureClass::api:
      break;
    case FailureClass::identity:
    case FailureClass::clock:
    case FailureClass::network:
    case FailureClass::disk:
      return {};
  }
  const std::string& unit = failure.detail.unit;
  if (unit.empty()) return {};
  auto changed = changed_units(tried, settled);
  for (const auto& waiting : waits) changed.erase(waiting);
  return blame_for_unit(unit, changed, troubles);
}

}  // namespace muster
