#include "cli/image_store.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "document/release_version.hpp"
#include "result/durable_file.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

Result<BuiltImage> read_image(const fs::path& folder) {
  const std::string path = (folder / "image.json").string();
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(ErrorKind::corrupt, fmt::format("'{}': cannot be read", path));
  auto envelope = parse_envelope(text.str());
  if (!envelope) return while_doing(envelope.error(), path);
  auto manifest = parse_image_manifest(envelope->payload);
  if (!manifest) return while_doing(manifest.error(), path);
  return BuiltImage{folder.string(), std::move(*envelope), std::move(*manifest)};
}

// Removes a folder with all that is in it, but never what something else is mounted on: a builder's
// tree may have this machine's own /dev in it.
Result<void> remove_tree(const std::string& folder) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" " + folder + "/") == std::string::npos) continue;
    return fail(ErrorKind::conflict,
                fmt::format("'{}': expected nothing mounted below it, found '{}'; unmount it first",
                            folder, line.substr(line.find(' ') + 1)));
  }
  std::error_code failed;
  fs::remove_all(folder, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("removing '{}'", folder));
  return {};
}

// Folders below `folder` that are not hidden; none where it is not there.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const bool hidden = entry->path().filename().string().starts_with(".");
    if (!hidden && entry->is_directory(failed)) found.push_back(entry->path());
  }
  return found;
}

}  // namespace

// As mounts are told: absolute.
ImageStore::ImageStore(const std::string& folder)
    : folder_(fs::absolute(folder).lexically_normal().string()) {
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
}

Result<std::vector<BuiltImage>> ImageStore::images() const {
  std::vector<BuiltImage> images;
  for (const fs::path& name : folders_in(folder_)) {
    for (const fs::path& version : folders_in(name)) {
      auto image = read_image(version);
      if (!image) return pass(image.error());
      images.push_back(std::move(*image));
    }
  }
  std::sort(images.begin(), images.end(), [](const BuiltImage& a, const BuiltImage& b) {
    if (a.manifest.name != b.manifest.name) return a.manifest.name < b.manifest.name;
    return compare_versions(a.manifest.version, b.manifest.version) < 0;
  });
  return images;
}

Result<BuiltImage> ImageStore::find(const std::string& name, const std::string& version) const {
  auto all = images();
  if (!all) return pass(all.error());
  for (auto image = all->rbegin(); image != all->rend(); ++image) {
    if (image->manifest.name != name) continue;
    if (version.empty() || image->manifest.version == version) return std::move(*image);
  }
  return fail(ErrorKind::not_found,
              fmt::format("image '{}'{}: none in '{}'. `muster image list` shows them all", name,
                          version.empty() ? "" : " " + version, folder_));
}

Result<FileDescriptor> ImageStore::lock() const {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  const std::string path = folder_ + "/.lock";
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorKind::conflict,
                fmt::format("'{}': another build or prune of images runs; wait for it", folder_));
  }
  return file;
}

Result<std::string> ImageStore::begin() const {
  const std::string staging = folder_ + "/.building";
  if (auto removed = remove_tree(staging); !removed) return pass(removed.error());
  std::error_code failed;
  fs::create_directory(staging, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("making '{}'", staging));
  return staging;
}

Result<std::string> ImageStore::publish(const std::string& staging,
                                        const ImageManifest& manifest) const {
  const std::string parent = folder_ + "/" + manifest.name;
  std::error_code failed;
  fs::create_directories(parent, failed);
  for (const auto& entry : fs::directory_iterator(staging, failed)) {
    if (auto synced = sync_path(entry.path().string()); !synced) return pass(synced.error());
  }
  if (auto synced = sync_path(staging); !synced) return pass(synced.error());
  const std::string place = parent + "/" + manifest.version;
  fs::rename(staging, place, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("making '{}'", place));
  if (auto synced = sync_folder_of(place); !synced) return pass(synced.error());
  return place;
}

Result<void> ImageStore::remove(const BuiltImage& image) const {
  // Out of its place in one step, so that half a version is never seen.
  const std::string staging = folder_ + "/.building";
  if (auto removed = remove_tree(staging); !removed) return removed;
  std::error_code failed;
  fs::rename(image.folder, staging, failed);
  if (failed) return fail_errno(failed.value(), fmt::format("removing '{}'", image.folder));
  return remove_tree(staging);
}

std::string release_name(const ImageManifest& manifest) {
  return "image-" + manifest.name;
}

}  // namespace muster
