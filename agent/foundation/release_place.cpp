#include "agent/foundation/release_place.hpp"

#include <algorithm>

#include "agent/paths.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

constexpr std::string_view releases_from_current = "../releases/";

std::string link_at(std::string_view name) {
  return fmt::format("{}/{}", paths::current, name);
}

// "../releases/runc/1.5.2" -> "runc/1.5.2"
std::string key_of_target(const std::string& target) {
  const auto slash = target.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return target;
  const auto before = target.find_last_of('/', slash - 1);
  return before == std::string::npos ? target : target.substr(before + 1);
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

std::string key_in_its_place(const Filesystem& files, const ReleaseReference& release) {
  for (const auto& path : release_links(release)) {
    const auto link = files.status(path);
    if (!link || link->link_target == release_target(release)) continue;
    return key_of_target(link->link_target);
  }
  return {};
}

}  // namespace muster
