// `muster image` with a builder that makes an image of a few bytes: everything but the bytes is
// real.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "document/image_manifest.hpp"
#include "document/release.hpp"
#include "operator_api.hpp"
#include "pki/key_file.hpp"
#include "pki/signature.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

constexpr const char* builder = R"(#!/bin/sh
echo "$1" >>"$0.calls"
case $1 in
  resolve) echo '{"packages":{"systemd":"252"},"builder":"1"}' ;;
  make) [ ! -e "$0.fails" ] || { echo "no room" >&2; exit 1; }
    printf bytes >"$3/disk.qcow2"
    echo '{"packages":{"systemd":"252"},"bootLoader":{"shim-signed":"1"}}' >"$3/contents.json" ;;
esac
)";

constexpr const char* definition = R"(apiVersion: muster/v1
kind: Image
metadata: {name: node}
spec:
  releases: {muster-agent: 0.1.0}
)";

class Workshop {
 public:
  Workshop() {
    write("images/node.yaml", definition);
    write("images/disk/build", builder);
    ::chmod(path("images/disk/build").c_str(), 0755);
    add_release("muster-agent", "0.1.0", "amd64");
    auto file = NewKeyFile::create(path("image.key"));
    REQUIRE(file);
    REQUIRE(file->write(key));
  }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }

  void add_release(const std::string& name, const std::string& version,
                   const std::string& architecture) const {
    const std::string folder = "releases/" + name + "/" + version + "/";
    write(folder + "bin/x", "x");
    write(
        folder + "release.json",
        to_canonical_json(Release{name,
                                  version,
                                  architecture,
                                  {{"bin/x", ArtifactKind::file, "0755", sha256_digest("x"), 1}}}));
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

  [[nodiscard]] fake::Ran build(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{
        "image",           "--store",        path("store"), "build",          "node",
        "--images",        path("images"),   "--releases",  path("releases"), "--image-key",
        path("image.key"), "--architecture", "amd64"};
    words.insert(words.end(), more.begin(), more.end());
    return fake::muster(words);
  }

  [[nodiscard]] std::string calls() const { return read(path("images/disk/build.calls")); }

  // The trust chain as the operator's API tells it, with `scope` for the image key.
  [[nodiscard]] std::string trust(const std::string& scope) const {
    const PrivateKey site = PrivateKey::generate_ed25519().value();
    TrustList list;
    list.site = site.public_key().fingerprint();
    list.version = 2;
    list.site_key = site.public_key().pem();
    list.server_authorities = {"-"};
    list.document_keys = {{key.public_key().pem(), scope}};
    const auto envelope = sign_envelope(trust_list_type, to_canonical_json(list), site).value();
    return R"({"chain":[)" + to_json(envelope) + "]}";
  }

  const PrivateKey key = PrivateKey::generate_ed25519().value();

 private:
  ScratchFolder folder_;
};

}  // namespace

TEST_CASE("image build makes a signed image once, and a release of it") {
  const Workshop shop;
  const auto first = shop.build({"-o", "json"});
  REQUIRE_MESSAGE(first.exit == 0, first.err);
  const auto answer = nlohmann::json::parse(first.out);
  CHECK(answer["built"] == true);
  const std::string version = answer["version"], folder = answer["folder"];
  CHECK(version.starts_with("20"));
  CHECK(version.size() == 15);
  CHECK(folder == shop.path("store/node/") + version);
  const auto envelope = parse_envelope(read(folder + "/image.json"));
  REQUIRE(envelope);
  CHECK(verify_envelope(*envelope, image_manifest_type, shop.key.public_key()));
  const auto manifest = parse_image_manifest(envelope->payload);
  REQUIRE_MESSAGE(manifest, manifest.error().message);
  CHECK(manifest->file.digest == sha256_digest("bytes"));
  CHECK(manifest->packages.at("systemd") == "252");
  CHECK(manifest->releases.at(0).name == "muster-agent");
  const auto release = parse_release(read(folder + "/release.json"));
  REQUIRE(release);
  CHECK(release->name == "image-node");
  CHECK(release->artifacts.size() == 2);
  // Only what belongs to it: no plan, no log.
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 3);

  const auto again = shop.build();
  CHECK(again.exit == 0);
  CHECK(again.out.starts_with("node " + version + ": already there\n"));
  CHECK(shop.calls() == "resolve\nmake\nresolve\n");
  // Another input is another image.
  shop.write("images/node.yaml", std::string(definition) + "  packages: [vim-tiny]\n");
  CHECK(nlohmann::json::parse(shop.build({"-o", "json"}).out)["built"] == true);
}

TEST_CASE("a netboot image is four files under one signature, and a release of them") {
  const Workshop shop;
  shop.write("images/netboot/build", R"(#!/bin/sh
cp "$2" "$0.plan"
[ "$1" = make ] || { echo '{"packages":{},"builder":"1"}'; exit; }
for file in root.squashfs vmlinuz initrd arguments; do printf "$file" >"$3/$file"; done
echo '{"packages":{},"bootLoader":{}}' >"$3/contents.json"
)");
  ::chmod(shop.path("images/netboot/build").c_str(), 0755);
  const std::string pin = "sha256:" + std::string(64, 'a');
  const auto ran = shop.build({"--kind", "netboot", "--site-pin", pin, "-o", "json"});
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  const std::string folder = nlohmann::json::parse(ran.out)["folder"];
  const auto manifest =
      parse_image_manifest(parse_envelope(read(folder + "/image.json")).value().payload);
  REQUIRE_MESSAGE(manifest, manifest.error().message);
  CHECK(manifest->image_kind == "netboot");
  CHECK(manifest->file.path == "root.squashfs");
  CHECK(manifest->further.size() == 3);
  const auto release = parse_release(read(folder + "/release.json"));
  REQUIRE_MESSAGE(release, release.error().message);
  std::string paths;
  for (const auto& file : release->artifacts) paths += file.path + " ";
  CHECK(paths == "arguments image.json initrd root.squashfs vmlinuz ");
  const auto plan = nlohmann::json::parse(read(shop.path("images/netboot/build.plan")));
  CHECK(plan["format"] == "squashfs");
  CHECK(plan["sitePin"] == pin);
  // The newest of a name is what machines start by: it is of one kind.
  const auto other = shop.build();
  CHECK(other.exit != 0);
  CHECK(
      other.err.find(
          "is of kind netboot, expected netboot like it: give the other kind a definition with a name of its own") !=
      std::string::npos);
}

TEST_CASE("an image may carry the newest of what is there") {
  const Workshop shop;
  shop.write("images/node.yaml",
             "apiVersion: muster/v1\nkind: Image\nmetadata: {name: node}\n"
             "spec: {releases: {muster-agent: newest}}\n");
  shop.add_release("muster-agent", "0.3.0-9-gfff", "amd64");
  shop.add_release("muster-agent", "0.3.0-276-g1c83496", "amd64");
  const std::string folder = nlohmann::json::parse(shop.build({"-o", "json"}).out)["folder"];
  const auto image =
      parse_image_manifest(parse_envelope(read(folder + "/image.json")).value().payload);
  CHECK(image->releases.at(0).version == "0.3.0-276-g1c83496");
}

TEST_CASE("an image that fails leaves nothing, and what an interrupted build left goes") {
  const Workshop shop;
  shop.write("images/disk/build.fails", "");
  shop.write("store/.building/half.img", "x");
  const auto ran = shop.build();
  CHECK(ran.exit == 1);
  CHECK(ran.err.ends_with("muster: '" + shop.path("images/disk/build") +
                          " make' failed; its words are above\n"));
  CHECK_FALSE(fs::exists(shop.path("store/node")));
  CHECK_FALSE(fs::exists(shop.path("store/.building/half.img")));
  fs::remove(shop.path("images/disk/build.fails"));
  CHECK(shop.build().exit == 0);
}

TEST_CASE("what a definition names and is not there is told with its place") {
  const Workshop shop;
  shop.add_release("runc", "1.5.2", "arm64");
  shop.write("images/node.yaml", R"(apiVersion: muster/v1
kind: Image
metadata: {name: node}
spec:
  releases: {etcd: 3.6.16, runc: 1.5.2}
)");
  const auto ran = shop.build();
  CHECK(ran.exit == 3);
  const std::string file = shop.path("images/node.yaml");
  CHECK(
      ran.err ==
      file +
          ":5:14: spec.releases[etcd]: expected a release in a folder of --releases, found '3.6.16'; a release folder holds release.json and the files it names: reading '" +
          shop.path("releases/etcd/3.6.16/release.json") +
          "': No such file or directory. scripts/components and scripts/agent-release make them\n" +
          file +
          ":5:14: spec.releases: expected an entry for muster-agent, found none; without it no machine becomes a node\n" +
          file +
          ":5:28: spec.releases[runc]: expected a release for amd64, found one for arm64\n\n"
          "muster: 3 problems; nothing was changed\n");
  shop.write("images/node.yaml",
             "apiVersion: muster/v1\nkind: Image\nmetadata: {name: other}\n"
             "spec: {releases: {muster-agent: 0.1.0}}\n");
  CHECK(shop.build().err ==
        "muster: '" + file +
            "': metadata.name: expected 'node' as the file is called, found 'other'\n");
  CHECK(shop.calls().empty());
}

TEST_CASE("image show tells what was altered and who signed") {
  const Workshop shop;
  const std::string folder = nlohmann::json::parse(shop.build({"-o", "json"}).out)["folder"];
  const auto show = [&](const std::string& scope) {
    const OperatorApi api({{"GET /v1/operator/trust", {200, shop.trust(scope)}}});
    const auto ran = fake::muster({"--server", api.url(), "image", "--store", shop.path("store"),
                                   "show", "node", "-o", "json"});
    return std::pair(ran.exit, nlohmann::json::parse(ran.out));
  };
  const std::string id = shop.key.public_key().fingerprint();
  const auto [sound, good] = show("image");
  CHECK(sound == 0);
  CHECK(good["file"] == "intact");
  CHECK(good["signature"] == "by " + id + ", an image key of trust list version 2");
  const auto [refused, document_key] = show("site");
  CHECK(refused == 1);
  CHECK(
      document_key["signature"] ==
      "image key '" + id +
          "': it signs documents, not images (trust list version 2). `muster document-key add PUBLIC.pem --scope image` lets it sign images");
  std::ofstream(folder + "/disk.qcow2") << "other";
  const auto [altered, bad] = show("image");
  CHECK(altered == 1);
  CHECK(bad["file"] == "'" + folder + "/disk.qcow2': expected digest " + sha256_digest("bytes") +
                           ", found " + sha256_digest("other"));
}

TEST_CASE("image list and prune") {
  const Workshop shop;
  const std::string old = nlohmann::json::parse(shop.build({"-o", "json"}).out)["version"];
  shop.write("images/node.yaml", std::string(definition) + "  packages: [vim-tiny]\n");
  const std::string other = nlohmann::json::parse(shop.build({"-o", "json"}).out)["version"];
  const OperatorApi api({{"GET /v1/operator/releases",
                          {200, R"({"releases":[{"name":"etcd","version":"1"},)"
                                R"({"name":"image-node","version":")" +
                                    old + R"("},{"name":"image-gpu","version":"7"}]})"}}});
  const auto list = [&](const std::string& server) {
    return fake::muster({"--server", server, "image", "--store", shop.path("store"), "list"}).out;
  };
  const auto listed = list(api.url());
  CHECK(listed.find("node  " + old + "  disk  amd64         0.0 MB  yes         yes\n") !=
        std::string::npos);
  CHECK(listed.find("node  " + other + "  disk  amd64         0.0 MB  yes         no\n") !=
        std::string::npos);
  CHECK(listed.find("gpu   7                -     -             -       no          yes\n") !=
        std::string::npos);
  CHECK(list("unix:/nowhere").find("yes         ?\n") != std::string::npos);
  const auto pruned = fake::muster({"image", "--store", shop.path("store"), "prune"});
  CHECK(pruned.exit == 0);
  CHECK(pruned.out.ends_with("1 image(s) removed\n"));
  CHECK(std::distance(fs::directory_iterator(shop.path("store/node")), fs::directory_iterator()) ==
        1);
}
