// Images that were built on this machine: STORE/NAME/VERSION/ with the image's file, image.json
// (its signed manifest) and release.json (the same as a release, for `release import`). A version's
// folder is complete or not there. Not thread-safe; writers hold the lock.
#pragma once

#include <string>
#include <vector>

#include "document/image_manifest.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

struct BuiltImage {
  std::string folder;
  Envelope envelope;
  ImageManifest manifest;  // as the envelope says, its signature not yet verified
};

class ImageStore {
 public:
  explicit ImageStore(const std::string& folder);

  // By name, the oldest version first. An absent store is empty. corrupt: with the folder's path.
  [[nodiscard]] Result<std::vector<BuiltImage>> images() const;
  // The newest of that name, or the one of `version` where it is not empty. not_found.
  [[nodiscard]] Result<BuiltImage> find(const std::string& name, const std::string& version) const;

  // Held until the descriptor closes. conflict: another build or prune holds it.
  [[nodiscard]] Result<FileDescriptor> lock() const;
  // A new, empty folder for a build; what an interrupted one left in it is removed. Needs the lock.
  [[nodiscard]] Result<std::string> begin() const;
  // The folder of `begin`, finished: durable, then in its place. Needs the lock.
  [[nodiscard]] Result<std::string> publish(const std::string& staging,
                                            const ImageManifest& manifest) const;
  [[nodiscard]] Result<void> remove(const BuiltImage& image) const;

 private:
  std::string folder_;
};

// The name of the release that an image is.
[[nodiscard]] std::string release_name(const ImageManifest& manifest);

}  // namespace muster
