#include "agent/artifacts.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include "agent/at_once.hpp"
#include "agent/packages.hpp"
#include "agent/paths.hpp"
#include "agent/release_fetch.hpp"
#include "document/field_syntax.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

// Of every artifact, in their order. On all cores: where an image brought no stamps, hashing what
// it carries is the longest work of a first boot.
std::vector<Result<std::string>> digests_of(const Filesystem& files, const Release& release,
                                            const std::string& folder) {
  std::vector<Result<std::string>> digests(release.artifacts.size());
  at_once(digests.size(), std::max(1u, std::thread::hardware_concurrency()), [&](std::size_t i) {
    digests[i] = files.digest(folder + "/" + release.artifacts[i].path);
  });
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

// "bin/etcd changed", "bin/etcd is missing"; empty: all are as they were stamped.
std::string changed_file(const Filesystem& files, const ReleaseStamp& stamp,
                         const ReleaseReference& release) {
  for (const auto& [path, expected] : stamp.files) {
    const auto status = files.status(release_folder(release) + "/" + path);
    if (!status) return path + " is missing";
    if (stamp_of(*status) != expected) return path + " changed";
  }
  return {};
}

// Verified before, and unchanged since.
bool is_stamped(const Filesystem& files, const Checkpoint& checkpoint,
                const ReleaseReference& release) {
  const auto stamp = checkpoint.releases.find(release_key(release));
  return stamp != checkpoint.releases.end() &&
         stamp->second.manifest_digest == release.manifest_digest &&
         changed_file(files, stamp->second, release).empty();
}

Result<Release> verify_release(const Filesystem& files, const ReleaseReference& reference) {
  auto release = read_release(files, reference);
  if (!release) return release;
  if (auto verified = verify_files(files, *release, release_folder(reference)); !verified) {
    return pass(verified.error());
  }
  return release;
}

// Notes that the bytes of a release were verified. What of its packages was known stays known.
Result<void> stamp(Filesystem& files, Checkpoint& checkpoint, const ReleaseReference& reference,
                   const Release& release) {
  if (auto set = set_modes(files, release, release_folder(reference)); !set) return set;
  auto made = make_stamp(files, reference, release);
  if (!made) return pass(made.error());
  ReleaseStamp& noted = checkpoint.releases[release_key(reference)];
  if (noted.manifest_digest == made->manifest_digest) made->packages = noted.packages;
  noted = std::move(*made);
  return {};
}

// Of several releases: all of them are told, the first decides of what kind it is.
class Problems {
 public:
  void add(const ReleaseReference& release, const Result<void>& done) {
    if (done) return;
    const Error said =
        context(done.error(), fmt::format("release {} {}", release.name, release.version)).value();
    if (!first_) first_ = said.kind;
    text_ += (text_.empty() ? "" : "\n") + said.message;
  }
  [[nodiscard]] Result<void> result() const {
    if (!first_) return {};
    return fail(*first_, text_);
  }

 private:
  std::optional<ErrorKind> first_;
  std::string text_;
};

// Whether a version is kept to go back to.
bool prune_versions(Filesystem& files, Checkpoint& checkpoint, const ReleaseReference& wanted) {
  const std::string folder = fmt::format("{}/{}", paths::releases, wanted.name);
  const auto versions = files.list(folder);
  if (!versions) return false;
  std::string kept;
  std::int64_t kept_time = 0;
  for (const auto& version : *versions) {
    const auto status = files.status(folder + "/" + version);
    const bool is_way_back = status && version != wanted.version && version[0] != '.' &&
                             status->modified_ns >= kept_time;
    if (is_way_back) {
      kept = version;
      kept_time = status->modified_ns;
    }
  }
  for (const auto& version : *versions) {
    if (version == wanted.version || version == kept) continue;
    // What stays behind is tried again at the next converge.
    if (files.remove(folder + "/" + version)) {
      checkpoint.releases.erase(wanted.name + "/" + version);
    }
  }
  return !kept.empty();
}

std::vector<std::string_view> replaced_by(std::string_view name) {
  if (name == releases::kubernetes_node) return {releases::kubernetes};
  if (name == releases::kubernetes) {
    return {releases::kubernetes_node, releases::kubernetes_control_plane};
  }
  return {};
}

void remove_release(Filesystem& files, Checkpoint& checkpoint, std::string_view name) {
  if (!files.remove(fmt::format("{}/{}", paths::releases, name))) return;
  std::erase_if(checkpoint.releases, [prefix = fmt::format("{}/", name)](const auto& stamp) {
    return stamp.first.starts_with(prefix);
  });
}

}  // namespace

Result<Release> read_release(const Filesystem& files, const ReleaseReference& release) {
  const auto text = files.read(release_folder(release) + "/release.json", largest_manifest);
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
  if (auto changed = changed_file(files, stamp->second, release); !changed.empty()) {
    return changed;
  }
  if (auto missing = missing_package(files, stamp->second.packages); !missing.empty()) {
    return missing;
  }
  return is_current(files, release) ? std::string() : "not current";
}

Result<void> bring_releases(Host& host, Network& network, Checkpoint& checkpoint,
                            const std::vector<ReleaseReference>& wanted,
                            const std::vector<std::string>& sources) {
  Problems problems;
  std::vector<ReleaseReference> missing;
  for (const auto& reference : wanted) {
    if (is_stamped(host.files, checkpoint, reference)) continue;
    const auto kept = verify_release(host.files, reference);
    if (kept) {
      problems.add(reference, stamp(host.files, checkpoint, reference, *kept));
    } else if (sources.empty()) {
      problems.add(reference,
                   fail(ErrorKind::unavailable,
                        kept.error().message + "; the server is away, so it cannot be downloaded"));
    } else {
      missing.push_back(reference);
    }
  }
  const auto fetched = fetch_releases(host, network, missing, sources);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    problems.add(missing[i], fetched[i] ? stamp(host.files, checkpoint, missing[i], *fetched[i])
                                        : Result<void>(pass(fetched[i].error())));
  }
  return problems.result();
}

Result<void> install(Host& host, Network& network, Checkpoint& checkpoint,
                     const ReleaseReference& reference, const std::vector<std::string>& sources,
                     const Narrate& narrate) {
  auto& files = host.files;
  if (auto brought = bring_releases(host, network, checkpoint, {reference}, sources); !brought) {
    return brought;
  }
  const auto where = [&](const Error& error) {
    return context(error, fmt::format("release {} {}", reference.name, reference.version));
  };
  const auto release = read_release(files, reference);
  if (!release) return where(release.error());
  auto packages = install_packages(host, checkpoint, *release, release_folder(reference), narrate);
  if (!packages) return where(packages.error());
  if (auto made = files.make_directory(paths::current, 0755, "root"); !made) return made;
  for (const auto& path : release_links(reference)) {
    if (auto linked = files.link(path, release_target(reference)); !linked) return linked;
  }
  checkpoint.releases[release_key(reference)].packages = *packages;
  return {};
}

void prune_releases(Filesystem& files, Checkpoint& checkpoint,
                    const std::vector<ReleaseReference>& wanted) {
  for (const auto& reference : wanted) {
    if (!prune_versions(files, checkpoint, reference)) continue;
    for (const auto name : replaced_by(reference.name)) {
      remove_release(files, checkpoint, name);
    }
  }
}

}  // namespace muster
