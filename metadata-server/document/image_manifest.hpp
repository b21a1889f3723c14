// What an image is: its file, what it carries and what it was made of. Signed by a key that the
// trust list vouches for with the scope "image". Format: document/README.md, "Image manifest".
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "document/signed_document.hpp"
#include "document/trust_list.hpp"

namespace muster {

inline constexpr std::string_view image_manifest_type = "application/vnd.muster.image.v1+json";

struct ImageFile {
  std::string path;    // beside the manifest
  std::string digest;  // "sha256:..."
  std::uint64_t size = 0;
};

struct CarriedRelease {
  std::string name;
  std::string version;
  std::string manifest_digest;
};

struct ImageManifest {
  std::string name;
  std::string version;       // when it was built: "20261121.194207", UTC
  std::string image_kind;    // "disk" or "netboot"
  std::string architecture;  // "amd64" or "arm64"
  std::string suite;         // "bookworm"
  std::string inputs;        // digest of everything that decides the bytes
  ImageFile file;
  std::vector<ImageFile> further;  // of a kind that is several files, by path; empty: it is one
  std::vector<CarriedRelease> releases;
  std::map<std::string, std::string> packages;     // Debian package -> version, on the image
  std::map<std::string, std::string> boot_loader;  // likewise, of what starts it
};

[[nodiscard]] std::string to_canonical_json(const ImageManifest& manifest);
// Refuses unknown fields and unsafe names; all problems at once.
[[nodiscard]] Result<ImageManifest> parse_image_manifest(std::string_view json);

// The manifest in an envelope, once the trust list vouches for the key that signed it.
// unauthenticated: no key of the scope "image" signed these bytes.
[[nodiscard]] Result<ImageManifest> verify_image(const Envelope& envelope, const TrustList& trust);

}  // namespace muster
