#include "agent/foundation/artifacts.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include "agent/foundation/at_once.hpp"
#include "agent/foundation/packages.hpp"
#include "agent/foundation/release_fetch.hpp"
#include "agent/paths.hpp"
#include "agent/state/set_aside.hpp"
#include "document/field_syntax.hpp"

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
        while_doing(done.error(), fmt::format("release {} {}", release.name, release.version))
            .value();
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

}  // namespace

Result<Release> read_release(const Filesystem& files, const ReleaseReference& release) {
  const auto text = files.read(release_folder(release) + "/release.json", largest_manifest);
  if (!text) return pass(text.error());
  return check_manifest(release, *text);
}

std::string stamp_of(const FileStatus& status) {
  return fmt::format("{}:{}:{}", status.size, status.modified_ns, status.inode);
}

std::string reason_to_bring(const Filesystem& files, const Checkpoint& checkpoint,
                            const ReleaseReference& release) {
  const auto stamp = checkpoint.releases.find(release_key(release));
  if (stamp == checkpoint.releases.end() ||
      stamp->second.manifest_digest != release.manifest_digest) {
    return files.status(release_folder(release)) ? "not verified yet" : "missing";
  }
  return changed_file(files, stamp->second, release);
}

std::string another_build_of(const ReleaseReference& release) {
  return "another build of " + release.version;
}

std::string replaced_release(const Filesystem& files, const Checkpoint& checkpoint,
                             const ReleaseReference& release) {
  const std::string key = key_in_its_place(files, release);
  if (!key.empty()) {
    const auto slash = key.find('/');
    const std::string name = key.substr(0, slash), version = key.substr(slash + 1);
    return name == release.name ? version : name + " " + version;
  }
  if (!is_current(files, release)) return "not there yet";
  const auto stamp = checkpoint.releases.find(release_key(release));
  const bool is_other_build = stamp != checkpoint.releases.end() &&
                              stamp->second.manifest_digest != release.manifest_digest;
  return is_other_build ? another_build_of(release) : std::string();
}

std::string reason_to_install(const Filesystem& files, const Checkpoint& checkpoint,
                              const ReleaseReference& release) {
  if (auto missing = reason_to_bring(files, checkpoint, release); !missing.empty()) return missing;
  const auto stamp = checkpoint.releases.find(release_key(release));
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
    return while_doing(error, fmt::format("release {} {}", reference.name, reference.version));
  };
  const auto release = read_release(files, reference);
  if (!release) return where(release.error());
  auto packages = install_packages(host, checkpoint, *release, release_folder(reference), narrate);
  if (!packages) return where(packages.error());
  if (auto made = files.make_directory(paths::current, 0755, "root"); !made) return made;
  for (const auto& path : release_links(reference)) {
    if (auto room = make_room_for_file(files, path); !room) return room;
    if (auto linked = files.link(path, release_target(reference)); !linked) return linked;
  }
  checkpoint.releases[release_key(reference)].packages = *packages;
  return {};
}

}  // namespace muster
