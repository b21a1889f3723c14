#include "document/image_manifest.hpp"

#include <doctest/doctest.h>

#include "sample_document.hpp"

using namespace muster;

namespace {

const PrivateKey site_key = PrivateKey::generate_ed25519().value(),
                 image_key = PrivateKey::generate_ed25519().value();

TrustList trust() {
  TrustList list;
  list.site = site_key.public_key().fingerprint();
  list.version = 4;
  list.site_key = site_key.public_key().pem();
  list.server_authorities = {sample::pem};
  list.document_keys = {{site_key.public_key().pem(), "site"},
                        {image_key.public_key().pem(), "image"}};
  return list;
}

ImageManifest manifest() {
  ImageManifest made;
  made.name = "node";
  made.version = "20261121.194207";
  made.image_kind = "disk";
  made.architecture = "amd64";
  made.suite = "bookworm";
  made.inputs = "sha256:" + std::string(64, 'a');
  made.file = {"disk.qcow2", "sha256:" + std::string(64, 'b'), 500'000'000};
  made.releases = {{"etcd", "3.6.16", "sha256:" + std::string(64, 'c')}};
  made.packages = {{"systemd", "252.39-1"}};
  made.boot_loader = {{"shim-signed", "1.51"}};
  return made;
}

}  // namespace

TEST_CASE("an image of several files names each, and one of one file is as it was") {
  CHECK(to_canonical_json(manifest()).find("further") == std::string::npos);
  ImageManifest made = manifest();
  made.image_kind = "netboot";
  made.further = {{"initrd", "sha256:" + std::string(64, 'd'), 7}};
  const std::string text = to_canonical_json(made);
  const auto read = parse_image_manifest(text);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->further.at(0).size == 7);
  CHECK(to_canonical_json(*read) == text);
  made.further.at(0).path = "../initrd";
  made.image_kind = "tape";
  const auto refused = parse_image_manifest(to_canonical_json(made));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("/imageKind: expected 'disk' or 'netboot', found 'tape'") !=
        std::string::npos);
  CHECK(refused.error().message.find(
            "/further/0/path: expected a path below the image's folder, found '../initrd'") !=
        std::string::npos);
}

TEST_CASE("an image's manifest survives its JSON, and is what an image key signed") {
  const std::string text = to_canonical_json(manifest());
  CHECK(to_canonical_json(parse_image_manifest(text).value()) == text);
  const auto signed_by = [&](const PrivateKey& key) {
    return sign_envelope(image_manifest_type, text, key).value();
  };
  const auto verified = verify_image(signed_by(image_key), trust());
  REQUIRE_MESSAGE(verified, verified.error().message);
  CHECK(verified->file.digest == manifest().file.digest);
  // A document key is none for images; a stranger's is none at all; altered bytes are nobody's.
  const std::string site = site_key.public_key().fingerprint();
  CHECK(
      verify_image(signed_by(site_key), trust()).error().message ==
      "image key '" + site +
          "': it signs documents, not images (trust list version 4). `muster document-key add PUBLIC.pem --scope image` lets it sign images");
  const PrivateKey stranger = PrivateKey::generate_ed25519().value();
  CHECK(verify_image(signed_by(stranger), trust()).error().kind == ErrorKind::unauthenticated);
  Envelope altered = signed_by(image_key);
  altered.payload.replace(altered.payload.find("disk.qcow2"), 10, "evil.qcow2");
  CHECK(verify_image(altered, trust()).error().kind == ErrorKind::unauthenticated);
  // The signature binds the type: a trust list's signature is none of an image.
  const auto other = sign_envelope(trust_list_type, text, image_key).value();
  CHECK(verify_image(other, trust()).error().kind == ErrorKind::unauthenticated);
}

TEST_CASE("an unsound manifest is refused with every problem") {
  ImageManifest wrong = manifest();
  wrong.name = "Node";
  wrong.version = "1/2";
  wrong.image_kind = "tape";
  wrong.architecture = "mips";
  wrong.inputs = "sha256:1";
  wrong.file = {"../disk", "md5:1", 1};
  wrong.releases = {{"etcd/x", "", "x"}};
  CHECK(parse_image_manifest(to_canonical_json(wrong)).error().message ==
        "image manifest: refused, 10 problems:\n"
        "/name: expected a DNS label, found 'Node'\n"
        "/version: expected a version, found '1/2'\n"
        "/imageKind: expected 'disk' or 'netboot', found 'tape'\n"
        "/architecture: expected 'amd64' or 'arm64', found 'mips'\n"
        "/inputs: expected a digest, found 'sha256:1'\n"
        "/file/path: expected a path below the image's folder, found '../disk'\n"
        "/file/digest: expected a digest, found 'md5:1'\n"
        "/releases/0/name: expected a DNS label, found 'etcd/x'\n"
        "/releases/0/version: expected a version, found ''\n"
        "/releases/0/manifestDigest: expected a digest, found 'x'");
}
