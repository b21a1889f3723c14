#include "document/image_manifest.hpp"

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t maximum_image_manifest_size = 1u << 20;

void check(const ImageManifest& manifest, std::vector<Problem>& problems) {
  const auto expect = [&](bool sound, std::string where, std::string_view what,
                          const std::string& found) {
    if (sound) return;
    problems.push_back(
        {std::move(where), fmt::format("expected {}, found {}", what, in_ticks(found))});
  };
  expect(is_dns_label(manifest.name), "/name", "a DNS label", manifest.name);
  expect(is_version(manifest.version), "/version", "a version", manifest.version);
  expect(manifest.image_kind == "disk" || manifest.image_kind == "netboot", "/imageKind",
         "'disk' or 'netboot'", manifest.image_kind);
  expect(manifest.architecture == "amd64" || manifest.architecture == "arm64", "/architecture",
         "'amd64' or 'arm64'", manifest.architecture);
  expect(is_digest(manifest.inputs), "/inputs", "a digest", manifest.inputs);
  const auto expect_file = [&](const ImageFile& file, const std::string& where) {
    expect(is_relative_path(file.path), where + "/path", "a path below the image's folder",
           file.path);
    expect(is_digest(file.digest), where + "/digest", "a digest", file.digest);
  };
  expect_file(manifest.file, "/file");
  for (std::size_t i = 0; i < manifest.further.size(); ++i)
    expect_file(manifest.further[i], pointer_to("/further", i));
  for (std::size_t i = 0; i < manifest.releases.size(); ++i) {
    const CarriedRelease& release = manifest.releases[i];
    const std::string where = pointer_to("/releases", i);
    expect(is_dns_label(release.name), where + "/name", "a DNS label", release.name);
    expect(is_version(release.version), where + "/version", "a version", release.version);
    expect(is_digest(release.manifest_digest), where + "/manifestDigest", "a digest",
           release.manifest_digest);
  }
}

nlohmann::json to_json(const ImageFile& file) {
  return {{"path", file.path}, {"digest", file.digest}, {"size", file.size}};
}

void read_file(JsonObject& object, ImageFile& file) {
  object.text("path", file.path);
  object.text("digest", file.digest);
  object.number("size", file.size);
}

}  // namespace

std::string to_canonical_json(const ImageManifest& manifest) {
  nlohmann::json releases = nlohmann::json::array();
  for (const CarriedRelease& release : manifest.releases) {
    releases.push_back({{"name", release.name},
                        {"version", release.version},
                        {"manifestDigest", release.manifest_digest}});
  }
  nlohmann::json written = {{"apiVersion", "muster/v1"},
                            {"kind", "ImageManifest"},
                            {"name", manifest.name},
                            {"version", manifest.version},
                            {"imageKind", manifest.image_kind},
                            {"architecture", manifest.architecture},
                            {"suite", manifest.suite},
                            {"inputs", manifest.inputs},
                            {"file", to_json(manifest.file)},
                            {"releases", releases},
                            {"packages", manifest.packages},
                            {"bootLoader", manifest.boot_loader}};
  for (const ImageFile& file : manifest.further) written["further"].push_back(to_json(file));
  return canonical_text(written);
}

Result<ImageManifest> parse_image_manifest(std::string_view text) {
  const auto json = parse_strict_json("image manifest", text, {maximum_image_manifest_size});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  ImageManifest manifest;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "ImageManifest");
  root.text("name", manifest.name);
  root.text("version", manifest.version);
  root.text("imageKind", manifest.image_kind);
  root.text("architecture", manifest.architecture);
  root.text("suite", manifest.suite);
  root.text("inputs", manifest.inputs);
  root.object("file", [&](JsonObject& file) { read_file(file, manifest.file); });
  root.objects(
      "further", [&](JsonObject& file) { read_file(file, manifest.further.emplace_back()); },
      Need::optional);
  root.objects("releases", [&](JsonObject& object) {
    CarriedRelease& release = manifest.releases.emplace_back();
    object.text("name", release.name);
    object.text("version", release.version);
    object.text("manifestDigest", release.manifest_digest);
  });
  root.text_map("packages", manifest.packages);
  root.text_map("bootLoader", manifest.boot_loader);
  root.close();
  if (problems.empty()) check(manifest, problems);
  if (!problems.empty()) return fail("image manifest", problems);
  return manifest;
}

Result<ImageManifest> verify_image(const Envelope& envelope, const TrustList& trust) {
  const auto key = find_image_key(trust, envelope.key_id);
  if (!key) return pass(key.error());
  if (auto sound = verify_envelope(envelope, image_manifest_type, *key); !sound) {
    return while_doing(sound.error(), "image manifest");
  }
  return parse_image_manifest(envelope.payload);
}

}  // namespace muster
