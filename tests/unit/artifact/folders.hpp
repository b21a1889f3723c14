// A folder of one test with files in it, and a release folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "document/release.hpp"
#include "fakes/scratch_folder.hpp"
#include "pki/signature.hpp"

namespace muster::sample {

class Folder {
 public:
  [[nodiscard]] std::string path(const std::string& below = "") const {
    return below.empty() ? folder_.path() : folder_.path(below);
  }
  void write(const std::string& below, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
    std::ofstream(path(below), std::ios::binary) << text;
  }

 private:
  ScratchFolder folder_;
};

inline std::size_t count_files(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) ++count;
  }
  return count;
}

// A release of two files, its manifest written beside them.
inline Release write_release(const Folder& folder, const std::string& version) {
  const std::string server = "server " + version, client = "client " + version;
  Release release;
  release.name = "etcd";
  release.version = version;
  release.artifacts = {
      {"bin/etcd", ArtifactKind::file, "0755", sha256_digest(server), server.size()},
      {"bin/etcdctl", ArtifactKind::file, "0755", sha256_digest(client), client.size()}};
  folder.write("bin/etcd", server);
  folder.write("bin/etcdctl", client);
  folder.write("release.json", to_canonical_json(release));
  return release;
}

}  // namespace muster::sample
