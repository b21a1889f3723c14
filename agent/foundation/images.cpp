#include "agent/foundation/images.hpp"

#include <algorithm>
#include <sstream>

#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr const char* blobs = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/";
// Which archive an image came from. What an archive's manifests are is known for sure once
// containerd has it: that of a Docker archive is made by the import.
constexpr const char* archive_label = "muster.archive";

Result<std::string> run_ctr(Process& process, std::vector<std::string> arguments,
                            std::chrono::milliseconds timeout) {
  ProcessRequest request;
  request.arguments = {paths::program("containerd", "ctr"),
                       "--address",
                       paths::containerd_socket,
                       "--namespace",
                       "k8s.io",
                       "images"};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.timeout = timeout;
  auto outcome = process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return std::move(outcome->output);
  return fail(ErrorKind::invalid,
              fmt::format("ctr ended with {}: {}", outcome->exit_status, outcome->error));
}

// The third word of each row but the heading: REF TYPE DIGEST SIZE ...
std::set<std::string> digests_in(const std::string& table) {
  std::set<std::string> digests;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string reference, type, digest;
    if (words >> reference >> type >> digest && is_digest(digest)) digests.insert(digest);
  }
  return digests;
}

}  // namespace

Result<std::set<std::string>> import_image(Process& process, const ImportImage& image,
                                           std::chrono::milliseconds timeout) {
  const auto where = [&](const std::string& found) {
    return fail(ErrorKind::invalid, fmt::format("importing image '{}': {}", image.archive, found));
  };
  const auto imported =
      run_ctr(process,
              {"import",
               // A third of the time. containerd unpacks when the first container is made.
               "--local", "--no-unpack", "--label", "io.cri-containerd.pinned=pinned", "--label",
               fmt::format("{}={}", archive_label, image.digest), image.archive},
              timeout);
  if (!imported) return where(imported.error().message);
  const auto listed =
      run_ctr(process, {"list", fmt::format("labels.\"{}\"==\"{}\"", archive_label, image.digest)},
              timeout);
  if (!listed) return where(listed.error().message);
  auto digests = digests_in(*listed);
  if (digests.empty()) {
    return where("expected images with names in the archive, found none in containerd afterwards");
  }
  return digests;
}

bool has_manifests(const Filesystem& files, const std::set<std::string>& manifests) {
  return !manifests.empty() &&
         std::all_of(manifests.begin(), manifests.end(), [&](const std::string& digest) {
           return files.status(blobs + digest.substr(digest.find(':') + 1)).has_value();
         });
}

}  // namespace muster
