#include "agent/artifacts.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "agent/download.hpp"
#include "agent/packages.hpp"
#include "agent/paths.hpp"
#include "document/field_syntax.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t manifest_limit = 4u << 20;

Result<Release> check_manifest(const ReleaseReference& reference, const std::string& text) {
  if (const auto found = sha256_digest(text); found != reference.manifest_digest) {
    return fail(ErrorKind::corrupt, fmt::format("manifest: expected digest {}, found {}",
                                                reference.manifest_digest, found));
  }
  auto release = parse_release(text);
  if (!release) return release;
  if (release->name != reference.name || release->version != reference.version) {
    return fail(ErrorKind::corrupt,
                fmt::format("manifest: expected {} {}, found {} {}", reference.name,
                            reference.version, release->name, release->version));
  }
  return release;
}

// Of every artifact, in their order. On all cores: hashing what the image carries is the longest
// work of a first boot.
std::vector<Result<std::string>> digests_of(const Filesystem& files, const Release& release,
                                            const std::string& folder) {
  std::vector<Result<std::string>> digests(release.artifacts.size());
  std::atomic<std::size_t> next = 0;
  const auto hash = [&] {
    for (std::size_t i = next++; i < digests.size(); i = next++) {
      digests[i] = files.digest(folder + "/" + release.artifacts[i].path);
    }
  };
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::future<void>> others;
  while (others.size() + 1 < std::min(cores, digests.size())) {
    others.push_back(std::async(std::launch::async, hash));
  }
  hash();
  for (auto& other : others) other.get();
  return digests;
}

// Every artifact is a regular file of the right bytes; the first that is not, is named.
Result<void> verify_files(const Filesystem& files, const Release& release,
                          const std::string& folder) {
  for (const auto& artifact : release.artifacts) {
    const std::string path = folder + "/" + artifact.path;
    const auto status = files.status(path);
    if (!status) return pass(status.error());
    if (status->type != FileStatus::Type::file) {
      return fail(ErrorKind::corrupt,
                  fmt::format("'{}': expected a file, found a link, a folder or a device", path));
    }
  }
  const auto digests = digests_of(files, release, folder);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const auto& [artifact, found] = std::tie(release.artifacts[i], digests[i]);
    if (!found) return pass(found.error());
    if (*found != artifact.digest) {
      return fail(ErrorKind::corrupt, fmt::format("'{}/{}': expected digest {}, found {}", folder,
                                                  artifact.path, artifact.digest, *found));
    }
  }
  return {};
}

Result<void> set_modes(Filesystem& files, const Release& release, const std::string& folder) {
  for (const auto& artifact : release.artifacts) {
    const std::string path = folder + "/" + artifact.path;
    const auto status = files.status(path);
    const auto mode = file_mode(artifact.mode);
    if (status && status->mode == mode && status->owner == "root") continue;
    if (auto set = files.finish(path, mode, "root"); !set) return set;
  }
  return {};
}

// A folder that is complete or not there: built beside its place, then renamed.
Result<void> download_release(Host& host, Network& network, const ReleaseReference& reference,
                              const std::vector<std::string>& sources) {
  auto& files = host.files;
  const std::string folder = release_folder(reference);
  const std::string staging =
      fmt::format("{}/{}/.{}.new", paths::releases, reference.name, reference.version);
  if (auto made = files.make_directory(staging, 0755, "root"); !made) return made;
  const std::string manifest_path = staging + "/release.json";
  auto fetched =
      download(host, network, sources, {reference.manifest_digest, 0}, manifest_path, 0644);
  if (!fetched) return context(fetched.error(), "manifest");
  const auto text = files.read(manifest_path, manifest_limit);
  if (!text) return pass(text.error());
  auto release = check_manifest(reference, *text);
  if (!release) return pass(release.error());
  for (const auto& artifact : release->artifacts) {
    const std::string path = staging + "/" + artifact.path;
    const std::string parent = path.substr(0, path.find_last_of('/'));
    if (auto made = files.make_directory(parent, 0755, "root"); !made) return made;
    auto done = download(host, network, sources, {artifact.digest, artifact.size}, path,
                         file_mode(artifact.mode));
    if (!done) return context(done.error(), artifact.path);
  }
  const std::string replaced = staging + ".replaced";
  if (auto removed = files.remove(replaced); !removed) return removed;
  if (files.status(folder)) {
    if (auto moved = files.rename(folder, replaced); !moved) return moved;
  }
  if (auto moved = files.rename(staging, folder); !moved) return moved;
  return files.remove(replaced);
}

Result<ReleaseStamp> make_stamp(const Filesystem& files, const ReleaseReference& reference,
                                const Release& release) {
  ReleaseStamp stamp{reference.manifest_digest, {}, {}};
  for (const auto& artifact : release.artifacts) {
    const auto status = files.status(release_folder(reference) + "/" + artifact.path);
    if (!status) return pass(status.error());
    stamp.files[artifact.path] = stamp_of(*status);
  }
  return stamp;
}

std::string link_of(const ReleaseReference& release) {
  return std::string(paths::current) + "/" + release.name;
}

std::string target_of(const ReleaseReference& release) {
  return fmt::format("../releases/{}/{}", release.name, release.version);
}

}  // namespace

std::string release_folder(const ReleaseReference& release) {
  return fmt::format("{}/{}/{}", paths::releases, release.name, release.version);
}

std::string release_key(const ReleaseReference& release) {
  return release.name + "/" + release.version;
}

Result<Release> read_release(const Filesystem& files, const ReleaseReference& release) {
  const auto text = files.read(release_folder(release) + "/release.json", manifest_limit);
  if (!text) return pass(text.error());
  return check_manifest(release, *text);
}

std::string stamp_of(const FileStatus& status) {
  return fmt::format("{}:{}:{}", status.size, status.modified_ns, status.inode);
}

std::string reason_to_install(const Filesystem& files, const Checkpoint& checkpoint,
                              const ReleaseReference& release) {
  const std::string folder = release_folder(release);
  const auto stamp = checkpoint.releases.find(release_key(release));
  if (stamp == checkpoint.releases.end() ||
      stamp->second.manifest_digest != release.manifest_digest) {
    return files.status(folder) ? "not verified yet" : "missing";
  }
  for (const auto& [path, expected] : stamp->second.files) {
    const auto status = files.status(folder + "/" + path);
    if (!status) return path + " is missing";
    if (stamp_of(*status) != expected) return path + " changed";
  }
  if (!stamp->second.packages.empty()) {
    const auto installed = installed_packages(files);
    for (const auto& [package, version] : stamp->second.packages) {
      const auto found = installed.find(package);
      if (found == installed.end() || found->second != version) {
        return fmt::format("package {} {} is not installed", package, version);
      }
    }
  }
  const auto link = files.status(link_of(release));
  return link && link->link_target == target_of(release) ? std::string() : "not current";
}

Result<void> install(Host& host, Network& network, Checkpoint& checkpoint,
                     const ReleaseReference& reference, const std::vector<std::string>& sources) {
  auto& files = host.files;
  const std::string folder = release_folder(reference);
  const auto where = [&](const Error& error) {
    return context(error, fmt::format("release {} {}", reference.name, reference.version));
  };
  auto release = read_release(files, reference);
  const auto verified =
      release ? verify_files(files, *release, folder) : Result<void>(pass(release.error()));
  if (!verified) {
    if (sources.empty()) {
      return where(
          Error{ErrorKind::unavailable,
                verified.error().message + "; the server is away, so it cannot be downloaded"});
    }
    auto downloaded = download_release(host, network, reference, sources);
    if (!downloaded) return where(downloaded.error());
    release = read_release(files, reference);
    if (!release) return where(release.error());
  }
  if (auto set = set_modes(files, *release, folder); !set) return where(set.error());
  auto stamp = make_stamp(files, reference, *release);
  if (!stamp) return where(stamp.error());
  auto packages = install_packages(host, checkpoint, *release, folder);
  if (!packages) return where(packages.error());
  stamp->packages = *packages;
  if (auto made = files.make_directory(paths::current, 0755, "root"); !made) return made;
  if (auto linked = files.link(link_of(reference), target_of(reference)); !linked) return linked;
  checkpoint.releases[release_key(reference)] = *stamp;
  return {};
}

void prune_releases(Filesystem& files, Checkpoint& checkpoint,
                    const std::vector<ReleaseReference>& wanted) {
  for (const auto& reference : wanted) {
    const std::string folder = std::string(paths::releases) + "/" + reference.name;
    const auto versions = files.list(folder);
    if (!versions) continue;
    std::string kept;
    std::int64_t kept_time = 0;
    for (const auto& version : *versions) {
      const auto status = files.status(folder + "/" + version);
      const bool is_way_back = status && version != reference.version && version[0] != '.' &&
                               status->modified_ns >= kept_time;
      if (is_way_back) {
        kept = version;
        kept_time = status->modified_ns;
      }
    }
    for (const auto& version : *versions) {
      if (version == reference.version || version == kept) continue;
      // What stays behind is tried again at the next converge.
      if (files.remove(folder + "/" + version)) {
        checkpoint.releases.erase(reference.name + "/" + version);
      }
    }
  }
}

}  // namespace muster
