#include "document/release.hpp"

#include <algorithm>
#include <set>

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t maximum_manifest_size = 1u << 20;
constexpr std::string_view manifest_name = "release.json";

Result<ArtifactKind> parse_artifact_kind(std::string_view text) {
  for (const ArtifactKind kind :
       {ArtifactKind::file, ArtifactKind::image, ArtifactKind::deb, ArtifactKind::manifest}) {
    if (text == name(kind)) return kind;
  }
  return fail(ErrorKind::invalid, "expected file, image, deb or manifest, found " + in_ticks(text));
}

Artifact read_artifact(JsonObject& object) {
  Artifact artifact;
  object.text("path", artifact.path);
  object.word("kind", artifact.kind, parse_artifact_kind);
  object.text("mode", artifact.mode);
  object.text("digest", artifact.digest);
  object.number("size", artifact.size);
  return artifact;
}

void check_artifact(const Artifact& artifact, const std::string& where,
                    std::vector<Problem>& problems) {
  if (!is_relative_path(artifact.path) || artifact.path == manifest_name) {
    problems.push_back(
        {where + "/path",
         "expected a path inside the release's folder, other than release.json, found " +
             in_ticks(artifact.path)});
  }
  if ((artifact.path + "/").find(".part/") != std::string::npos) {
    problems.push_back(
        {where + "/path",
         "expected no name that ends in .part, as an agent's unfinished downloads do, found " +
             in_ticks(artifact.path)});
  }
  if (artifact.mode != "0644" && artifact.mode != "0755") {
    problems.push_back(
        {where + "/mode", "expected 0644 or 0755, found " + in_ticks(artifact.mode)});
  }
  if (!is_digest(artifact.digest)) {
    problems.push_back(
        {where + "/digest",
         "expected 'sha256:' and 64 lower-case hex digits, found " + in_ticks(artifact.digest)});
  }
}

void check(const Release& release, std::vector<Problem>& problems) {
  if (!is_dns_label(release.name)) {
    problems.push_back(
        {"/name", "expected a name such as 'containerd', found " + in_ticks(release.name)});
  }
  if (!is_version(release.version)) {
    problems.push_back(
        {"/version", "expected a version such as '2.4.2', found " + in_ticks(release.version)});
  }
  if (release.architecture != "amd64" && release.architecture != "arm64") {
    problems.push_back(
        {"/architecture", "expected amd64 or arm64, found " + in_ticks(release.architecture)});
  }
  if (release.artifacts.empty()) {
    problems.push_back({"/artifacts", "expected at least one artifact, found none"});
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < release.artifacts.size(); ++i) {
    const std::string where = pointer_to("/artifacts", i);
    check_artifact(release.artifacts[i], where, problems);
    if (!seen.insert(release.artifacts[i].path).second) {
      problems.push_back({where + "/path", "expected each path once, found " +
                                               in_ticks(release.artifacts[i].path) + " again"});
    }
  }
}

std::vector<Artifact> sorted(std::vector<Artifact> artifacts) {
  std::sort(artifacts.begin(), artifacts.end(),
            [](const Artifact& a, const Artifact& b) { return a.path < b.path; });
  return artifacts;
}

}  // namespace

std::string_view name(ArtifactKind kind) {
  switch (kind) {
    case ArtifactKind::file:
      return "file";
    case ArtifactKind::image:
      return "image";
    case ArtifactKind::deb:
      return "deb";
    case ArtifactKind::manifest:
      return "manifest";
  }
  return "file";
}

std::string to_canonical_json(const Release& release) {
  nlohmann::json artifacts = nlohmann::json::array();
  for (const Artifact& artifact : sorted(release.artifacts)) {
    artifacts.push_back({{"path", artifact.path},
                         {"kind", name(artifact.kind)},
                         {"mode", artifact.mode},
                         {"digest", artifact.digest},
                         {"size", artifact.size}});
  }
  return canonical_text({{"apiVersion", "muster/v1"},
                         {"kind", "Release"},
                         {"name", release.name},
                         {"version", release.version},
                         {"architecture", release.architecture},
                         {"artifacts", artifacts}});
}

Result<Release> parse_release(std::string_view text) {
  const auto json = parse_strict_json("release manifest", text, {maximum_manifest_size});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  Release release;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "Release");
  root.text("name", release.name);
  root.text("version", release.version);
  root.text("architecture", release.architecture);
  root.objects("artifacts",
               [&](JsonObject& object) { release.artifacts.push_back(read_artifact(object)); });
  root.close();
  if (problems.empty()) check(release, problems);
  if (!problems.empty()) return fail("release manifest", problems);
  release.artifacts = sorted(std::move(release.artifacts));
  return release;
}

std::string digest(const Release& release) {
  return sha256_digest(to_canonical_json(release));
}

}  // namespace muster
