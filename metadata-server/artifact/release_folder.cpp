#include "artifact/release_folder.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "document/problem.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t maximum_manifest_size = 1u << 20;

Result<std::string> read_manifest(const fs::path& path) {
  std::error_code failed;
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed) {
    return while_doing(
        fail_errno(failed.value(), fmt::format("reading '{}'", path.string())).value(),
        "a release folder holds release.json and the files it names");
  }
  if (size > maximum_manifest_size) {
    return fail(ErrorKind::exhausted, fmt::format("'{}': expected at most {} bytes, found {}",
                                                  path.string(), maximum_manifest_size, size));
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return fail(ErrorKind::io, fmt::format("'{}' cannot be read", path.string()));
  return std::move(text).str();
}

void check_file(const fs::path& path, std::uint64_t size, std::vector<Problem>& problems) {
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(path, failed);
  if (!fs::exists(status)) {
    problems.push_back({path.string(), "expected a file, found nothing"});
  } else if (!fs::is_regular_file(status)) {
    problems.push_back({path.string(), "expected a regular file, found another kind"});
  } else if (const std::uintmax_t found = fs::file_size(path, failed); failed || found != size) {
    problems.push_back({path.string(), fmt::format("expected {} bytes, found {}", size, found)});
  }
}

}  // namespace

Result<Release> read_release_folder(const std::string& folder) {
  const fs::path manifest = fs::path(folder) / "release.json";
  const auto text = read_manifest(manifest);
  if (!text) return pass(text.error());
  auto release = parse_release(*text);
  if (!release) return while_doing(release.error(), manifest.string());
  std::vector<Problem> problems;
  for (const Artifact& artifact : release->artifacts) {
    check_file(fs::path(folder) / artifact.path, artifact.size, problems);
  }
  if (!problems.empty()) {
    return fail(fmt::format("release {} {}", release->name, release->version), problems);
  }
  return release;
}

Result<Release> import_release(const ArtifactStore& store, const std::string& folder) {
  auto release = read_release_folder(folder);
  if (!release) return release;
  std::vector<Problem> problems;
  for (const Artifact& artifact : release->artifacts) {
    const std::string path = (fs::path(folder) / artifact.path).string();
    const auto imported = store.import_file(path, artifact.digest, artifact.size);
    if (imported) continue;
    // What is wrong with one file is worth telling of the others too; a full disk is not.
    if (imported.error().kind != ErrorKind::invalid) return pass(imported.error());
    problems.push_back({path, imported.error().message});
  }
  if (!problems.empty()) {
    return fail(fmt::format("release {} {}", release->name, release->version), problems);
  }
  const std::string manifest = to_canonical_json(*release);
  auto import = store.begin_import(digest(*release), manifest.size());
  if (!import) return pass(import.error());
  if (auto written = import->write(manifest); !written) return pass(written.error());
  if (auto finished = import->finish(); !finished) return pass(finished.error());
  return release;
}

}  // namespace muster
