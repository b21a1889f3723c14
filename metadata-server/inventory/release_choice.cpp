#include "inventory/release_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "document/problem.hpp"
#include "document/release_names.hpp"
#include "document/release_version.hpp"

namespace muster {

namespace {

// Beside Kubernetes, what every machine runs; etcd only on the control plane.
std::vector<std::string> needed_releases(const Cluster& cluster) {
  std::vector<std::string> names{"cni-plugins", "containerd", "etcd",
                                 "host-tools",  "pause",      "runc"};
  if (cluster.coredns) names.push_back("coredns");
  if (cluster.api_mode.value == EndpointMode::node_local) names.push_back("haproxy");
  return names;
}

// What a cluster has where the catalogue has it: a store from before it was made is good without.
constexpr std::array optional_releases{"cri-tools"};

// What `kubernetes` was divided into.
constexpr std::array halves{releases::kubernetes_control_plane, releases::kubernetes_node};

ReleaseReference to_reference(const CatalogueEntry& entry) {
  return {entry.name, entry.version, entry.manifest_digest, entry.size};
}

constexpr std::string_view import_cure = "import it with 'muster release import'";

}  // namespace

ReleaseChoice::ReleaseChoice(const Cluster& cluster, const SiteFacts& facts,
                             const std::map<std::string, Place>& images,
                             std::vector<InventoryProblem>& problems)
    : facts_(facts) {
  for (const CatalogueEntry& entry : facts.catalogue) catalogue_[entry.name].push_back(&entry);
  for (auto& [name, entries] : catalogue_)
    std::stable_sort(entries.begin(), entries.end(),
                     [](const CatalogueEntry* left, const CatalogueEntry* right) {
                       return compare_versions(left->version, right->version) > 0;
                     });
  for (const std::string& name : needed_releases(cluster)) {
    if (!cluster.releases.contains(name)) choose_unwritten(name, cluster.name.place, problems);
  }
  for (const std::string name : optional_releases) {
    if (cluster.releases.contains(name) || !catalogue_.contains(name)) continue;
    // A cluster that came up without stays without until it is asked for.
    const bool is_wanted = facts.pins.empty() || facts.pins.contains(name) || is_upgraded(name);
    if (is_wanted) choose_unwritten(name, cluster.name.place, problems);
  }
  for (const auto& [name, place] : images) {
    if (!cluster.releases.contains(name)) choose_unwritten(name, place, problems);
  }
  choose_kubernetes(cluster.kubernetes_version, problems);
  for (const auto& [name, version] : cluster.releases)
    choose(name, &version, fmt::format("spec.releases[{}]", name), version.place, problems,
           std::string(import_cure));
}

bool ReleaseChoice::is_free(const Cluster& cluster, const std::string& name) {
  if (cluster.releases.contains(name)) return false;
  const std::vector<std::string> needed = needed_releases(cluster);
  const auto is_in = [&](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return is_in(needed) || is_in(optional_releases) || is_in(halves);
}

bool ReleaseChoice::is_upgraded(const std::string& name) const {
  return std::find(facts_.upgrades.begin(), facts_.upgrades.end(), name) != facts_.upgrades.end();
}

void ReleaseChoice::choose_unwritten(const std::string& name, const Place& place,
                                     std::vector<InventoryProblem>& problems) {
  const auto pin = facts_.pins.find(name);
  if (pin == facts_.pins.end() || is_upgraded(name))
    return choose(name, nullptr, releases::is_image(name) ? "netboot.image" : "spec.releases",
                  place, problems, std::string(import_cure));
  const Sourced<std::string> kept{pin->second, place};
  choose(name, &kept, fmt::format("spec.releases[{}]", name), place, problems,
         fmt::format("the cluster has this one: {}, or move on with 'muster apply --upgrade {}'",
                     import_cure, name));
}

// A store may hold Kubernetes as one release alone, from before it was two.
void ReleaseChoice::choose_kubernetes(const Sourced<std::string>& version,
                                      std::vector<InventoryProblem>& problems) {
  const std::string node(releases::kubernetes_node), whole(releases::kubernetes);
  const std::string control_plane(releases::kubernetes_control_plane);
  const bool is_node_there = has(node, version.value);
  const bool is_control_plane_there = has(control_plane, version.value);
  const bool is_divided = is_node_there && is_control_plane_there;
  const std::string cure(import_cure);
  if ((!is_divided || keeps_whole(version.value)) && has(whole, version.value))
    return choose(whole, &version, "spec.kubernetesVersion", version.place, problems, cure);
  // A version that nobody imported is one mistake; one that is there by half lacks the other half.
  const std::string known = whole_versions();
  if (!is_node_there && !is_control_plane_there && !known.empty()) {
    problems.push_back(
        problem_at(version.place, "spec.kubernetesVersion",
                   fmt::format("a version of {} and {} in the server's catalogue ({})", node,
                               control_plane, known),
                   in_ticks(version.value), std::string(import_cure)));
    return;
  }
  for (const std::string& name : {control_plane, node})
    choose(name, &version, "spec.kubernetesVersion", version.place, problems, cure);
}

// A cluster that runs the one release keeps it in that version, though its halves were imported.
bool ReleaseChoice::keeps_whole(const std::string& version) const {
  const auto pin = facts_.pins.find(std::string(releases::kubernetes));
  return pin != facts_.pins.end() && pin->second == version &&
         std::none_of(halves.begin(), halves.end(),
                      [&](std::string_view half) { return is_upgraded(std::string(half)); });
}

// Those that a machine could run, as one release or as two: the newest first.
std::string ReleaseChoice::whole_versions() const {
  std::string known;
  const auto add = [&](const std::string& name, auto is_wanted) {
    const auto entries = catalogue_.find(name);
    if (entries == catalogue_.end()) return;
    for (const CatalogueEntry* entry : entries->second)
      if (is_wanted(entry->version)) known += (known.empty() ? "" : ", ") + entry->version;
  };
  const auto is_divided = [&](const std::string& version) {
    return has(std::string(releases::kubernetes_control_plane), version);
  };
  add(std::string(releases::kubernetes_node), is_divided);
  add(std::string(releases::kubernetes), [&](const std::string& version) {
    return !is_divided(version) || !has(std::string(releases::kubernetes_node), version);
  });
  return known;
}

bool ReleaseChoice::has(const std::string& name, const std::string& version) const {
  const auto entries = catalogue_.find(name);
  return entries != catalogue_.end() &&
         std::any_of(entries->second.begin(), entries->second.end(),
                     [&](const CatalogueEntry* entry) { return entry->version == version; });
}

void ReleaseChoice::choose(const std::string& name, const Sourced<std::string>* pinned,
                           const std::string& field, const Place& place,
                           std::vector<InventoryProblem>& problems, const std::string& cure) {
  const auto entries = catalogue_.find(name);
  if (entries == catalogue_.end()) {
    problems.push_back(problem_at(place, field,
                                  fmt::format("a release of {}{} in the server's catalogue", name,
                                              pinned == nullptr ? "" : " " + pinned->value),
                                  "none", cure));
    return;
  }
  for (const CatalogueEntry* entry : entries->second) {
    if (pinned != nullptr && entry->version != pinned->value) continue;
    chosen_[name] = entry;
    return;
  }
  std::string known;
  for (const CatalogueEntry* entry : entries->second)
    known += (known.empty() ? "" : ", ") + entry->version;
  problems.push_back(problem_at(
      place, field, fmt::format("a version of {} in the server's catalogue ({})", name, known),
      in_ticks(pinned->value), cure));
}

std::vector<CatalogueEntry> ReleaseChoice::all() const {
  std::vector<CatalogueEntry> entries;
  for (const auto& [name, entry] : chosen_) entries.push_back(*entry);
  return entries;
}

std::vector<ReleaseUpgrade> ReleaseChoice::offers(const Cluster& cluster) const {
  std::vector<ReleaseUpgrade> found;
  for (const auto& [name, entries] : catalogue_) {
    const std::string& newest = entries.front()->version;
    const bool is_half = std::find(halves.begin(), halves.end(), name) != halves.end();
    const bool is_image = releases::is_image(name) && chosen_.contains(name);
    const bool is_free_image = is_image && !cluster.releases.contains(name);
    if ((!is_free(cluster, name) && !is_free_image) || is_half) continue;
    const std::string from = version_of(name);
    if (from != newest) found.push_back({name, from, newest});
  }
  const std::string whole = version_of(std::string(releases::kubernetes));
  const bool may_divide =
      !whole.empty() && std::all_of(halves.begin(), halves.end(),
                                    [&](auto half) { return has(std::string(half), whole); });
  if (may_divide) found.push_back({std::string(releases::kubernetes_node), {}, whole});
  return found;
}

std::vector<ReleaseReference> ReleaseChoice::for_role(Role role) const {
  std::vector<ReleaseReference> releases;
  for (const auto& [name, entry] : chosen_) {
    const bool is_of_masters = name == "etcd" || name == releases::kubernetes_control_plane;
    if (releases::is_image(name) || (is_of_masters && !is_control_plane(role))) continue;
    releases.push_back(to_reference(*entry));
  }
  return releases;
}

std::optional<ReleaseReference> ReleaseChoice::find(const std::string& name) const {
  const auto found = chosen_.find(name);
  if (found == chosen_.end()) return std::nullopt;
  return to_reference(*found->second);
}

std::string ReleaseChoice::version_of(const std::string& name) const {
  const auto found = chosen_.find(name);
  return found == chosen_.end() ? std::string() : found->second->version;
}

}  // namespace muster
