#include "cli/image_plan.hpp"

#include <filesystem>

#include "artifact/release_folder.hpp"
#include "document/problem.hpp"
#include "document/release_version.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr const char* agent = "muster-agent";
constexpr std::string_view newest = "newest";  // instead of a version

struct FoundRelease {
  Release release;
  std::string folder;
};

// The newest version that lies in the folder; the word itself where there is none, for the
// complaint.
std::string newest_in(const std::string& folder) {
  std::string found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string version = entry.path().filename();
    if (compare_versions(version, found) > 0) found = version;
  }
  return found.empty() ? std::string(newest) : found;
}

// The first of the folders that has it decides; without any, why the first one has not.
Result<FoundRelease> find_release(const std::vector<std::string>& places, const std::string& name,
                                  const std::string& version) {
  Error first{ErrorKind::not_found, "no --releases folder was named"};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string versions = fmt::format("{}/{}", places[i], name);
    const std::string folder =
        fmt::format("{}/{}", versions, version == newest ? newest_in(versions) : version);
    auto release = read_release_folder(folder);
    if (release) return FoundRelease{std::move(*release), folder};
    if (release.error().kind != ErrorKind::not_found) return pass(release.error());
    if (i == 0) first = release.error();
  }
  return pass(first);
}

}  // namespace

Checked<ImagePlan> plan_image(const ImageDefinition& definition, const ImageRequest& request) {
  std::vector<InventoryProblem> problems;
  ImagePlan plan;
  nlohmann::json releases = nlohmann::json::array(), files = nlohmann::json::array();
  for (const auto& [name, version] : definition.releases) {
    const std::string field = fmt::format("spec.releases[{}]", name);
    const auto found = find_release(request.releases, name, version.value);
    if (!found) {
      problems.push_back(problem_at(
          version.place, field, "a release in a folder of --releases", in_ticks(version.value),
          found.error().message + ". scripts/components and scripts/agent-release make them"));
      continue;
    }
    if (found->release.architecture != request.architecture) {
      problems.push_back(problem_at(version.place, field, "a release for " + request.architecture,
                                    "one for " + found->release.architecture));
    }
    plan.carried.push_back({name, found->release.version, digest(found->release)});
    releases.push_back({{"name", name},
                        {"version", found->release.version},
                        {"manifestDigest", digest(found->release)},
                        {"folder", found->folder}});
  }
  if (!definition.releases.contains(agent)) {
    const Place place =
        definition.releases.empty() ? Place{} : definition.releases.begin()->second.place;
    problems.push_back(problem_at(place, "spec.releases", "an entry for muster-agent", "none",
                                  "without it no machine becomes a node"));
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  for (const ImageFileEntry& file : definition.files) {
    files.push_back({{"path", file.path}, {"mode", file.mode}, {"content", file.content}});
  }
  plan.told = {{"name", definition.name},
               {"architecture", request.architecture},
               {"format", request.format},
               {"suite", definition.suite},
               {"kernel", definition.kernel},
               {"kernelArguments", definition.kernel_arguments},
               {"packages", definition.packages},
               {"releases", releases},
               {"files", files}};
  if (!request.site_pin.empty()) plan.told["sitePin"] = request.site_pin;
  return plan;
}

std::string digest_of_inputs(const ImagePlan& plan, const nlohmann::json& resolved) {
  nlohmann::json inputs = plan.told;
  for (auto& release : inputs["releases"]) release.erase("folder");
  inputs["resolved"] = resolved;
  return sha256_digest(canonical_text(inputs));
}

}  // namespace muster
