// From a definition to a signed image in the store; and whether one there is still what was signed.
#pragma once

#include <string>

#include "cli/image_plan.hpp"
#include "cli/image_store.hpp"
#include "cli/session.hpp"

namespace muster {

#if defined(__aarch64__)
inline constexpr const char* this_architecture = "arm64";
#else
inline constexpr const char* this_architecture = "amd64";
#endif

struct ImageBuildOptions {
  std::string name, kind = "disk";
  std::string key;  // file of the private key
  std::string images = "/usr/share/muster/images";
  std::string store = "/var/lib/muster-images";
  ImageRequest request{this_architecture, "qcow2", {"/var/cache/muster/releases"}};
};

// Answers from the store where these very inputs were built before. Leaves nothing half-made.
[[nodiscard]] Exit build_image(Session& session, const ImageBuildOptions& options);

// corrupt: one of its files has other bytes than the manifest says.
[[nodiscard]] Result<void> check_file(const BuiltImage& image);
// Which key of the server's trust list signed it, in words. unauthenticated: none of them.
[[nodiscard]] Result<std::string> check_signature(Session& session, const BuiltImage& image);

}  // namespace muster
