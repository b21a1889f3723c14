#include "agent/release_place.hpp"

#include <algorithm>

#include "agent/paths.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

constexpr std::string_view releases_from_current = "../releases/";

std::string link_at(std::string_view name) {
  return fmt::format("{}/{}", paths::current, name);
}

}  // namespace

std::string release_folder(const ReleaseReference& release) {
  return fmt::format("{}/{}/{}", paths::releases, release.name, release.version);
}

std::string release_key(const ReleaseReference& release) {
  return release.name + "/" + release.version;
}

std::vector<std::string> release_links(const ReleaseReference& release) {
  std::vector<std::string> links{link_at(release.name)};
  if (release.name == releases::kubernetes) {
    links.push_back(link_at(releases::kubernetes_node));
    links.push_back(link_at(releases::kubernetes_control_plane));
  }
  return links;
}

std::string release_target(const ReleaseReference& release) {
  return fmt::format("{}{}/{}", releases_from_current, release.name, release.version);
}

bool is_current(const Filesystem& files, const ReleaseReference& release) {
  const auto links = release_links(release);
  return std::all_of(links.begin(), links.end(), [&](const std::string& path) {
    const auto link = files.status(path);
    return link && link->link_target == release_target(release);
  });
}

std::string replaced_release(const Filesystem& files, const ReleaseReference& release) {
  for (const auto& path : release_links(release)) {
    const auto link = files.status(path);
    if (!link || link->link_target == release_target(release)) continue;
    const std::string& target = link->link_target;
    const auto slash = target.find_last_of('/');
    const std::string version = target.substr(slash + 1);
    const std::string folder = target.substr(0, slash);
    const std::string name = folder.substr(folder.find_last_of('/') + 1);
    return name == release.name ? version : name + " " + version;
  }
  return {};
}

}  // namespace muster
