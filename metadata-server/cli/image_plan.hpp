// What the program that builds an image is told: the definition, checked, with the folders of its
// releases. Format: images/README.md, "The plan".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "document/image_manifest.hpp"
#include "inventory/image_definition.hpp"

namespace muster {

struct ImageRequest {
  std::string architecture;           // "amd64" or "arm64"
  std::string format;                 // "qcow2" or "raw"; of a netboot image "squashfs"
  std::vector<std::string> releases;  // folders with NAME/VERSION/release.json, asked in order
  std::string site_pin = {};          // of a netboot image: the only site that it starts for
};

struct ImagePlan {
  nlohmann::json told;                  // to the builder
  std::vector<CarriedRelease> carried;  // for the manifest
};

// Every release that is not there or of another architecture, at its place in the definition.
[[nodiscard]] Checked<ImagePlan> plan_image(const ImageDefinition& definition,
                                            const ImageRequest& request);

// Digest of everything that decides the image's bytes: the plan without folders of this machine,
// and what the builder found (packages by version, tools, its own program).
[[nodiscard]] std::string digest_of_inputs(const ImagePlan& plan, const nlohmann::json& resolved);

}  // namespace muster
