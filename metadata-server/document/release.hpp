// A release: the named, versioned set of artifacts that is one component. The manifest is itself an
// artifact; a node document names it by digest. Format: document/README.md, "Release manifest".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

enum class ArtifactKind {
  file,      // placed at path
  image,     // a container image archive, imported into containerd's k8s.io namespace
  deb,       // installed by dpkg
  manifest,  // Kubernetes YAML, applied by whoever holds the duties
};
[[nodiscard]] std::string_view name(ArtifactKind kind);

struct Artifact {
  std::string path;  // relative to the release's folder; no "..", no leading slash, no *.part
  ArtifactKind kind = ArtifactKind::file;
  std::string mode = "0644";  // "0644" or "0755"
  std::string digest;         // "sha256:" + 64 lower-case hex digits
  std::uint64_t size = 0;     // bytes
};

struct Release {
  std::string name;
  std::string version;
  std::string architecture = "amd64";
  std::vector<Artifact> artifacts;  // sorted by path
};

[[nodiscard]] std::string to_canonical_json(const Release& release);
// Refuses an unknown apiVersion, kind or field, unsafe paths, bad digests; all problems at once.
[[nodiscard]] Result<Release> parse_release(std::string_view json);
// "sha256:..." of the canonical bytes: the name of the manifest in a node document.
[[nodiscard]] std::string digest(const Release& release);

}  // namespace muster
