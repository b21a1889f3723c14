#include "agent/fallback.hpp"

#include <algorithm>

#include "agent/observed_state.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

// What Ready depends on, where no unit is named.
constexpr std::string_view units_behind_ready[] = {"kubelet.service", "containerd.service"};

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

const std::string* configuration_in(const std::map<std::string, std::string>& configurations,
                                    const std::string& unit) {
  const auto found = configurations.find(unit);
  return found == configurations.end() ? nullptr : &found->second;
}

bool differs(const DesiredState& tried, const DesiredState& settled, const std::string& unit) {
  const auto now = configurations_of(tried), before = configurations_of(settled);
  const auto* wanted = configuration_in(now, unit);
  const auto* was = configuration_in(before, unit);
  return wanted != nullptr && (was == nullptr || *was != *wanted);
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
  for (ReleaseReference& release : document.config.releases) {
    const auto* newer = find_named(newest.config.releases, release.name);
    if (newer == nullptr || !is_kept(release, *newer)) continue;
    release = *newer;
    fallback.stays.push_back(release.name + " " + release.version);
  }
  return fallback;
}

bool is_caused_by(const DesiredState& tried, const DesiredState& settled, const Failure& failure) {
  switch (failure.kind) {
    case FailureClass::document:
      return true;
    case FailureClass::package:
      return has_other_releases(tried, settled);
    case FailureClass::runtime:
    case FailureClass::kubelet:
    case FailureClass::etcd:
    case FailureClass::api:
      break;
    case FailureClass::identity:
    case FailureClass::clock:
    case FailureClass::network:
    case FailureClass::disk:
      return false;
  }
  if (!failure.detail.unit.empty()) return differs(tried, settled, failure.detail.unit);
  if (failure.kind != FailureClass::kubelet) return false;
  return std::any_of(
      std::begin(units_behind_ready), std::end(units_behind_ready),
      [&](std::string_view unit) { return differs(tried, settled, std::string(unit)); });
}

}  // namespace muster
