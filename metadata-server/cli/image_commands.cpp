#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <set>

#include "cli/answer.hpp"
#include "cli/image_build.hpp"
#include "cli/image_store.hpp"
#include "cli/session.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

struct ImageOptions {
  ImageBuildOptions build;
  std::string version;
  int keep = 1;
};

std::string megabytes(std::uint64_t size) {
  return fmt::format("{:.1f} MB", static_cast<double>(size) / 1e6);
}

// Versions of images in the server's catalogue, as "NAME VERSION"; nothing without an answer.
std::optional<std::set<std::string>> catalogued(Session& session) {
  const auto answer = session.ask("GET", "releases");
  if (!answer) return std::nullopt;
  std::set<std::string> found;
  for (const auto& row : list_at(*answer, "/releases")) {
    const std::string name = cell(row, "/name");
    if (name.starts_with("image-")) found.insert(name.substr(6) + " " + cell(row, "/version"));
  }
  return found;
}

Exit list(Session& session, const ImageOptions& options) {
  const auto images = ImageStore(options.build.store).images();
  if (!images) return complain(session, images.error());
  auto elsewhere = catalogued(session);
  const bool answered = elsewhere.has_value();
  nlohmann::json rows = nlohmann::json::array();
  Table table({"NAME", "VERSION", "KIND", "ARCHITECTURE", "SIZE", "BUILT HERE", "ON SERVER"});
  const auto add = [&](const std::string& name, const std::string& version,
                       const ImageManifest* here, bool there) {
    const std::string on_server = !answered ? "?" : there ? "yes" : "no";
    rows.push_back({{"name", name}, {"version", version}, {"builtHere", here != nullptr}});
    if (answered) rows.back()["onServer"] = there;
    if (here != nullptr) {
      rows.back()["manifest"] = nlohmann::json::parse(to_canonical_json(*here), nullptr, false);
      table.row({name, version, here->image_kind, here->architecture, megabytes(here->file.size),
                 "yes", on_server});
    } else {
      table.row({name, version, "", "", "", "no", on_server});
    }
  };
  for (const BuiltImage& image : *images) {
    const ImageManifest& here = image.manifest;
    add(here.name, here.version, &here,
        answered && elsewhere->erase(here.name + " " + here.version) > 0);
  }
  for (const std::string& other : elsewhere.value_or(std::set<std::string>{})) {
    const std::size_t blank = other.find(' ');
    add(other.substr(0, blank), other.substr(blank + 1), nullptr, true);
  }
  print(session.wants_json() ? json_text({{"images", rows}}) : table.text());
  return Exit::ok;
}

Exit show(Session& session, const ImageOptions& options) {
  const auto image = ImageStore(options.build.store).find(options.build.name, options.version);
  if (!image) return complain(session, image.error());
  const Result<void> intact = check_file(*image);
  const Result<std::string> vouched = check_signature(session, *image);
  const std::string file = intact ? "intact" : intact.error().message;
  const std::string signature = vouched ? *vouched : vouched.error().message;
  if (session.wants_json()) {
    print(json_text(
        {{"folder", image->folder},
         {"manifest", nlohmann::json::parse(to_canonical_json(image->manifest), nullptr, false)},
         {"file", file},
         {"signature", signature},
         {"sound", intact.has_value() && vouched.has_value()}}));
  } else {
    const ImageManifest& manifest = image->manifest;
    std::string text = fmt::format(
        "{} {}: {} image for {} of Debian {}\nfolder     {}\nfile       {}, {}, {}\n           {}\n"
        "signature  {}\ninputs     {}\nreleases\n",
        manifest.name, manifest.version, manifest.image_kind, manifest.architecture, manifest.suite,
        image->folder, manifest.file.path, megabytes(manifest.file.size), file,
        manifest.file.digest, signature, manifest.inputs);
    for (const CarriedRelease& release : manifest.releases) {
      text += fmt::format("  {} {}\n", release.name, release.version);
    }
    text += "packages\n";
    for (const auto& [name, version] : manifest.packages) {
      text += fmt::format("  {} {}\n", name, version);
    }
    print(text);
  }
  return intact && vouched ? Exit::ok : Exit::failed;
}

Exit prune(Session& session, const ImageOptions& options) {
  const ImageStore store(options.build.store);
  const auto lock = store.lock();
  if (!lock) return complain(session, lock.error());
  const auto images = store.images();
  if (!images) return complain(session, images.error());
  nlohmann::json removed = nlohmann::json::array();
  std::string text;
  std::map<std::string, int> newer;
  for (auto image = images->rbegin(); image != images->rend(); ++image) {
    if (newer[image->manifest.name]++ < options.keep) continue;
    if (auto done = store.remove(*image); !done) return complain(session, done.error());
    removed.push_back({{"name", image->manifest.name}, {"version", image->manifest.version}});
    text += fmt::format("removed {} {}\n", image->manifest.name, image->manifest.version);
  }
  print(session.wants_json() ? json_text({{"removed", removed}})
                             : text + fmt::format("{} image(s) removed\n", removed.size()));
  return Exit::ok;
}

void add_build(CommandLine& line, CLI::App* group, const std::shared_ptr<ImageOptions>& options) {
  auto* build = group->add_subcommand("build", "makes one from its definition (as root; minutes)");
  ImageBuildOptions& chosen = options->build;
  build->add_option("NAME", chosen.name, "IMAGES/NAME.yaml says what it is to be")->required();
  build->add_option("--kind", chosen.kind, "what is made of the definition")
      ->check(CLI::IsMember({"disk", "netboot"}))
      ->capture_default_str();
  build->add_option("--image-key", chosen.key, "signs its manifest (PEM file of the private key)")
      ->required();
  build->add_option("--images", chosen.images, "folder of definitions and builders")
      ->envname("MUSTER_IMAGES")
      ->capture_default_str();
  build
      ->add_option("--releases", chosen.request.releases,
                   "folders with NAME/VERSION/release.json, asked in order")
      ->capture_default_str();
  build->add_option("--format", chosen.request.format, "qcow2 or raw")
      ->check(CLI::IsMember({"qcow2", "raw"}))
      ->capture_default_str();
  build
      ->add_option("--site-pin", chosen.request.site_pin,
                   "of a netboot image: it starts for this site alone [for any]")
      ->check(CLI::Validator(
          [](const std::string& pin) {
            return is_digest(pin)
                       ? std::string()
                       : "expected 'sha256:' and 64 hexadecimal digits; `muster status` prints it";
          },
          "PIN"));
  build->add_option("--architecture", chosen.request.architecture, "amd64 or arm64")
      ->check(CLI::IsMember({"amd64", "arm64"}))
      ->capture_default_str();
  build->footer(
      "The same inputs give the same image; one that is there is not made again.\n"
      "The key: muster document-key create --out image.key > image.pem, then\n"
      "muster document-key add image.pem --scope image\n"
      "Example: muster image build node --images ./images --image-key image.key");
  line.on(build, [options](Session& session) { return build_image(session, options->build); });
}

}  // namespace

void add_image_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("image", "What machines start from, with all they need");
  group->require_subcommand(1);
  auto options = std::make_shared<ImageOptions>();
  group->add_option("--store", options->build.store, "where built images lie")
      ->envname("MUSTER_IMAGE_STORE")
      ->capture_default_str();
  add_build(line, group, options);

  auto* listed = group->add_subcommand("list", "those built here and those in the catalogue");
  listed->footer("Example: muster image list");
  line.on(listed, [options](Session& session) { return list(session, *options); });

  auto* shown = group->add_subcommand("show", "what one is made of, and whether it still is");
  shown->add_option("NAME", options->build.name, "as image list shows it")->required();
  shown->add_option("--version", options->version, "of it [the newest]");
  shown->footer(
      "Hashes its file and verifies its signature by the server's trust list.\n"
      "Example: muster image show node");
  line.on(shown, [options](Session& session) { return show(session, *options); });

  auto* pruned = group->add_subcommand("prune", "removes older ones that were built here");
  pruned->add_option("--keep", options->keep, "how many of each name stay")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  pruned->footer(
      "In the catalogue, `muster release prune` keeps the newest of each.\n"
      "Example: muster image prune --keep 2");
  line.on(pruned, [options](Session& session) { return prune(session, *options); });
}

}  // namespace muster
