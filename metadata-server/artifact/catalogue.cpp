#include "artifact/catalogue.hpp"

#include <algorithm>

#include "document/release_version.hpp"

namespace muster {
namespace {

bool precedes(const CataloguedRelease& a, const CataloguedRelease& b) {
  if (a.name != b.name) return a.name < b.name;
  const int order = compare_versions(a.version, b.version);
  return order != 0 ? order < 0 : a.version < b.version;  // "1.2" and "1.02" are two versions
}

}  // namespace

CataloguedRelease to_catalogued(const Release& release) {
  CataloguedRelease entry{release.name, release.version, digest(release), 0, release.artifacts};
  for (const Artifact& artifact : release.artifacts) entry.size += artifact.size;
  return entry;
}

Catalogue::Catalogue(const std::vector<Release>& releases) {
  for (const Release& release : releases) releases_.push_back(to_catalogued(release));
  std::sort(releases_.begin(), releases_.end(), precedes);
}

Result<void> Catalogue::add(const Release& release) {
  CataloguedRelease entry = to_catalogued(release);
  const auto place = std::lower_bound(releases_.begin(), releases_.end(), entry, precedes);
  if (place == releases_.end() || precedes(entry, *place)) {
    releases_.insert(place, std::move(entry));
    return {};
  }
  if (place->manifest_digest == entry.manifest_digest) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "release {} {}: expected the manifest {} that is in the store, found {}: a version never changes; give the new content a version of its own",
          entry.name, entry.version, place->manifest_digest, entry.manifest_digest));
}

void Catalogue::remove(std::string_view name, std::string_view version) {
  releases_.erase(std::remove_if(releases_.begin(), releases_.end(),
                                 [&](const CataloguedRelease& release) {
                                   return release.name == name && release.version == version;
                                 }),
                  releases_.end());
}

std::string Catalogue::versions_of(std::string_view name) const {
  std::vector<std::string> versions;
  for (const CataloguedRelease& release : releases_) {
    if (release.name == name) versions.push_back(release.version);
  }
  if (versions.empty()) return fmt::format("the store holds no version of {}", name);
  return fmt::format("the store holds {}", fmt::join(versions, ", "));
}

Result<const CataloguedRelease*> Catalogue::find(std::string_view name,
                                                 std::string_view version) const {
  for (const CataloguedRelease& release : releases_) {
    if (release.name == name && release.version == version) return &release;
  }
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "release {} {}: not in the store; {}. Import it with 'muster release import DIR', or name a version that is there",
          name, version, versions_of(name)));
}

Result<const CataloguedRelease*> Catalogue::newest(std::string_view name) const {
  const CataloguedRelease* found = nullptr;
  for (const CataloguedRelease& release : releases_) {
    if (release.name == name) found = &release;  // the newest comes last
  }
  if (found != nullptr) return found;
  return fail(ErrorKind::not_found,
              fmt::format("release {}: {}. Import one with 'muster release import DIR'", name,
                          versions_of(name)));
}

std::set<std::string> Catalogue::referred() const {
  std::set<std::string> digests;
  for (const CataloguedRelease& release : releases_) {
    digests.insert(release.manifest_digest);
    for (const Artifact& artifact : release.artifacts) digests.insert(artifact.digest);
  }
  return digests;
}

}  // namespace muster
