#include "cli/release_collection.hpp"

#include <algorithm>
#include <filesystem>

#include "artifact/release_folder.hpp"
#include "cli/text_file.hpp"
#include "document/release_version.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_releases = 1000;
constexpr const char* checker_name = "config-checker";

// In name order; none where the folder cannot be read.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code unknown;
    if (at->is_directory(unknown)) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<void> add(const std::string& folder, ReleaseCollection& releases) {
  auto release = read_release_folder(folder);
  if (!release) return pass(release.error());
  CatalogueEntry entry{release->name, release->version, digest(*release)};
  for (const Artifact& artifact : release->artifacts) {
    entry.size += artifact.size;
    if (artifact.path != release_flags_path) continue;
    const auto text = read_text_file(folder + "/" + artifact.path, maximum_release_flags);
    if (!text) return pass(text.error());
    auto flags = parse_release_flags(*text);
    if (!flags) return while_doing(flags.error(), folder);
    releases.flags[{release->name, release->version}] =
        std::make_shared<const ProgramFlags>(std::move(*flags));
  }
  releases.catalogue.push_back(std::move(entry));
  return {};
}

}  // namespace

Result<ReleaseCollection> read_releases(const std::string& folder) {
  ReleaseCollection releases{folder, {}, {}};
  for (const fs::path& name : folders_in(folder)) {
    for (const fs::path& version : folders_in(name)) {
      std::error_code failed;
      if (!fs::exists(version / "release.json", failed)) continue;
      if (releases.catalogue.size() == most_releases)
        return fail(ErrorKind::exhausted,
                    fmt::format("'{}': expected at most {} releases", folder, most_releases));
      if (auto added = add(version.string(), releases); !added) return pass(added.error());
    }
  }
  if (releases.catalogue.empty())
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "'{}': expected releases as NAME/VERSION/release.json, found none; 'scripts/components --print-dir' prints the folder of those that it built",
            folder));
  return releases;
}

std::string checker_for(const ReleaseCollection& releases, const std::string& kubernetes_version) {
  const std::string minor = minor_version(kubernetes_version);
  std::string best;
  for (const CatalogueEntry& entry : releases.catalogue) {
    if (entry.name != checker_name || minor_version(entry.version) != minor) continue;
    const bool is_better = best.empty() || compare_versions(best, entry.version) < 0;
    if (best != kubernetes_version && (is_better || entry.version == kubernetes_version))
      best = entry.version;
  }
  if (best.empty()) return {};
  return fmt::format("{}/{}/{}/bin/{}", releases.folder, checker_name, best, checker_name);
}

}  // namespace muster
