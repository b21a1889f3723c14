#include "cli/image_build.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/image_builder.hpp"
#include "cli/text_file.hpp"
#include "document/release.hpp"
#include "document/strict_json.hpp"
#include "document/trust_list.hpp"
#include "pki/key_file.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::string_view netboot_kind = "netboot";
constexpr std::size_t largest_text = 4u << 20;  // of a manifest or a list of packages

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail(ErrorKind::io, fmt::format("'{}': cannot be written", path));
  return {};
}

Result<std::string> digest_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::not_found, fmt::format("'{}': cannot be read", path));
  DigestStream digest;
  std::string bytes(1 << 20, '\0');
  while (file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) || file.gcount() > 0) {
    digest.update(std::string_view(bytes).substr(0, static_cast<std::size_t>(file.gcount())));
  }
  return digest.finish();
}

// When it was built, so that of two images the newer one is told by its version: the bytes are told
// by their digest. A second is taken once.
std::string free_version(const std::vector<BuiltImage>& images, const std::string& name) {
  const auto is_taken = [&](const std::string& version) {
    return std::any_of(images.begin(), images.end(), [&](const BuiltImage& image) {
      return image.manifest.name == name && image.manifest.version == version;
    });
  };
  for (std::time_t now = std::time(nullptr);; ++now) {
    std::tm time{};
    ::gmtime_r(&now, &time);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d.%H%M%S", &time);
    if (!is_taken(text)) return text;
  }
}

void read_versions(const nlohmann::json& contents, const std::string& pointer,
                   std::map<std::string, std::string>& versions) {
  const nlohmann::json::json_pointer at(pointer);
  if (!contents.contains(at)) return;
  for (const auto& [name, version] : contents.at(at).items()) {
    if (version.is_string()) versions[name] = version.get<std::string>();
  }
}

// One build, from the checked plan to the image in its place.
class Build {
 public:
  Build(const ImageStore& store, const ImageBuildOptions& options, ImagePlan plan, PrivateKey key)
      : store_(store),
        options_(options),
        plan_(std::move(plan)),
        key_(std::move(key)),
        builder_(fmt::format("{}/{}/build", options.images, options.kind)) {}

  Result<BuiltImage> run(bool& was_there) {
    auto staging = store_.begin();
    if (!staging) return pass(staging.error());
    plan_file_ = *staging + "/plan.json";
    auto resolved = resolve();
    if (!resolved) return pass(resolved.error());
    const std::string inputs = digest_of_inputs(plan_, *resolved);
    const auto images = store_.images();
    if (!images) return pass(images.error());
    for (const BuiltImage& image : *images) {
      const ImageManifest& there = image.manifest;
      // The newest of a name is what machines are told to start by.
      if (there.name == options_.name && there.image_kind != options_.kind)
        return fail(
            ErrorKind::conflict,
            fmt::format(
                "image '{}': version {} is of kind {}, expected {} like it: give the other kind a definition with a name of its own",
                there.name, there.version, there.image_kind, there.image_kind));
      was_there = image.manifest.inputs == inputs && image.manifest.name == options_.name;
      if (was_there) return image;
    }
    plan_.told["inputs"] = inputs;
    plan_.told["resolved"] = *resolved;
    if (auto written = write_file(plan_file_, plan_.told.dump(1)); !written)
      return pass(written.error());
    if (auto made = builder_.make(plan_file_, *staging); !made) return pass(made.error());
    auto manifest = describe(*staging, inputs, free_version(*images, options_.name));
    if (!manifest) return pass(manifest.error());
    if (auto signed_here = sign(*staging, *manifest); !signed_here)
      return pass(signed_here.error());
    auto place = store_.publish(*staging, *manifest);
    if (!place) return pass(place.error());
    return store_.find(manifest->name, manifest->version);
  }

 private:
  Result<nlohmann::json> resolve() const {
    if (auto written = write_file(plan_file_, plan_.told.dump(1)); !written)
      return pass(written.error());
    return builder_.resolve(plan_file_);
  }

  Result<ImageManifest> describe(const std::string& folder, const std::string& inputs,
                                 const std::string& version) const {
    const auto text = read_text_file(folder + "/contents.json", largest_text);
    if (!text) return pass(text.error());
    const auto contents = parse_strict_json("contents.json", *text, {4u << 20});
    if (!contents) return pass(contents.error());
    ImageManifest manifest;
    manifest.name = options_.name;
    manifest.version = version;
    manifest.image_kind = options_.kind;
    manifest.architecture = options_.request.architecture;
    manifest.suite = cell(plan_.told, "/suite");
    manifest.inputs = inputs;
    manifest.releases = plan_.carried;
    read_versions(*contents, "/packages", manifest.packages);
    read_versions(*contents, "/bootLoader", manifest.boot_loader);
    const bool is_netboot = options_.kind == netboot_kind;
    auto file = file_in(folder, is_netboot ? "root.squashfs" : "disk." + options_.request.format);
    if (!file) return pass(file.error());
    manifest.file = std::move(*file);
    if (!is_netboot) return manifest;
    for (const char* name : {"arguments", "initrd", "vmlinuz"}) {
      file = file_in(folder, name);
      if (!file) return pass(file.error());
      manifest.further.push_back(std::move(*file));
    }
    return manifest;
  }

  static Result<ImageFile> file_in(const std::string& folder, const std::string& name) {
    const std::string path = folder + "/" + name;
    auto digest = digest_of_file(path);
    if (!digest) return pass(digest.error());
    return ImageFile{name, std::move(*digest), std::filesystem::file_size(path)};
  }

  // image.json and release.json; what the build alone needed goes.
  Result<void> sign(const std::string& folder, const ImageManifest& manifest) const {
    const auto envelope = sign_envelope(image_manifest_type, to_canonical_json(manifest), key_);
    if (!envelope) return pass(envelope.error());
    const std::string text = to_json(*envelope);
    Release release{release_name(manifest), manifest.version, manifest.architecture, {}};
    const auto add = [&](const ImageFile& file) {
      release.artifacts.push_back({file.path, ArtifactKind::file, "0644", file.digest, file.size});
    };
    add(manifest.file);
    add({"image.json", sha256_digest(text), text.size()});
    for (const ImageFile& file : manifest.further) add(file);
    std::sort(release.artifacts.begin(), release.artifacts.end(),
              [](const Artifact& one, const Artifact& other) { return one.path < other.path; });
    if (auto written = write_file(folder + "/image.json", text); !written) return written;
    if (auto written = write_file(folder + "/release.json", to_canonical_json(release)); !written)
      return written;
    for (const char* scaffold : {"/plan.json", "/contents.json", "/build.log"}) {
      std::error_code ignored;
      std::filesystem::remove(folder + scaffold, ignored);
    }
    return {};
  }

  const ImageStore& store_;
  const ImageBuildOptions& options_;
  ImagePlan plan_;
  PrivateKey key_;
  ImageBuilder builder_;
  std::string plan_file_;
};

}  // namespace

Exit build_image(Session& session, const ImageBuildOptions& options) {
  const std::string file = fmt::format("{}/{}.yaml", options.images, options.name);
  const auto text = read_text_file(file, largest_text);
  if (!text) return complain(session, text.error());
  const auto definition = read_image_definition(file, *text);
  if (!definition) return show_problems(session, definition.error());
  if (definition->name != options.name) {
    return complain(
        session,
        Error{ErrorKind::invalid,
              fmt::format("'{}': metadata.name: expected '{}' as the file is called, found '{}'",
                          file, options.name, definition->name)});
  }
  ImageRequest request = options.request;
  if (options.kind == netboot_kind) request.format = "squashfs";
  auto plan = plan_image(*definition, request);
  if (!plan) return show_problems(session, plan.error());
  auto key = read_key_file(options.key);
  if (!key) return complain(session, while_doing(key.error(), "--image-key").value());
  const ImageStore store(options.store);
  const auto lock = store.lock();
  if (!lock) return complain(session, lock.error());
  bool was_there = false;
  const auto image = Build(store, options, std::move(*plan), std::move(*key)).run(was_there);
  if (!image) return complain(session, image.error());
  const ImageManifest& made = image->manifest;
  print(
      session.wants_json()
          ? json_text({{"name", made.name},
                       {"version", made.version},
                       {"folder", image->folder},
                       {"digest", made.file.digest},
                       {"size", made.file.size},
                       {"built", !was_there}})
          : fmt::format(
                "{} {}: {}\n{}/{}\n{}, {} bytes\nmuster release import {} puts it into the server's catalogue\n",
                made.name, made.version, was_there ? "already there" : "built", image->folder,
                made.file.path, made.file.digest, made.file.size, image->folder));
  return Exit::ok;
}

Result<void> check_file(const BuiltImage& image) {
  std::vector<ImageFile> files = image.manifest.further;
  files.insert(files.begin(), image.manifest.file);
  for (const ImageFile& file : files) {
    const auto found = digest_of_file(image.folder + "/" + file.path);
    if (!found) return pass(found.error());
    if (*found != file.digest)
      return fail(ErrorKind::corrupt, fmt::format("'{}/{}': expected digest {}, found {}",
                                                  image.folder, file.path, file.digest, *found));
  }
  return {};
}

Result<std::string> check_signature(Session& session, const BuiltImage& image) {
  const auto answer = session.ask("GET", "trust");
  if (!answer) return while_doing(answer.error(), "not verified, since the server does not answer");
  std::vector<Envelope> chain;
  for (const auto& item : list_at(*answer, "/chain")) {
    auto envelope = parse_envelope(canonical_text(item));
    if (!envelope) return pass(envelope.error());
    chain.push_back(std::move(*envelope));
  }
  if (chain.empty()) return fail(ErrorKind::corrupt, "the server's trust chain is empty");
  // Who may ask the operator's API has no better word for the site than the server's own.
  const auto newest = parse_trust_list(chain.back().payload);
  if (!newest) return pass(newest.error());
  const auto trust = verify_trust_list(chain, newest->site, 0);
  if (!trust) return pass(trust.error());
  const auto verified = verify_image(image.envelope, *trust);
  if (!verified) return pass(verified.error());
  return fmt::format("by {}, an image key of trust list version {}", image.envelope.key_id,
                     trust->version);
}

}  // namespace muster
