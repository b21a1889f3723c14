#include "inventory/image_definition.hpp"

#include <doctest/doctest.h>

#include "sample_inventory.hpp"

using namespace muster;

namespace {

std::string problems(const std::string& text) {
  const auto read = read_image_definition("node.yaml", text);
  REQUIRE_FALSE(read);
  return to_text(read.error());
}

}  // namespace

TEST_CASE("an image's definition, with what is left out") {
  const auto image = read_image_definition("node.yaml", R"(apiVersion: muster/v1
kind: Image
metadata: {name: node}
spec:
  releases: {muster-agent: 0.1.0, etcd: 3.6.16}
  files:
  - {path: /etc/motd, content: "hello\n"}
  - {path: /etc/muster/agent.json, content: "{}", mode: "0600"}
)");
  REQUIRE_MESSAGE(image, to_text(image.error()));
  CHECK(image->name == "node");
  CHECK(image->suite == "bookworm");
  CHECK(image->kernel == "cloud");
  CHECK(image->packages.empty());
  CHECK(image->releases.at("etcd").value == "3.6.16");
  CHECK(to_text(image->releases.at("etcd").place) == "node.yaml:5:35");
  REQUIRE(image->files.size() == 2);
  CHECK(image->files[0].mode == "0644");
  CHECK(image->files[1].mode == "0600");
  CHECK(image->files[1].path == "/etc/muster/agent.json");
}

TEST_CASE("the definition that the repository has is a sound one") {
  const auto image = read_image_definition(
      "node.yaml", sample::read_text(std::string(MUSTER_TESTS_DIR) + "/../images/node.yaml"));
  REQUIRE_MESSAGE(image, to_text(image.error()));
  CHECK(image->name == "node");
  CHECK(image->releases.contains("muster-agent"));
}

TEST_CASE("every mistake of a definition is told at once, at its place") {
  CHECK(
      problems(R"(apiVersion: muster/v1
kind: Imag
metadata: {name: Node}
spec:
  suite: sid
  kernel: small
  kernelArguments: ["quiet splash"]
  packages: [Vim, -x]
  releases: {etcd: "1 2"}
  size: 4
  files:
  - {path: /opt/muster/x, content: a}
  - {path: /etc/motd, content: a, mode: "999"}
  - {path: /etc/motd, content: b}
)") ==
      "node.yaml:2:1: kind: expected 'Image', found 'Imag'; did you mean 'Image'?\n"
      "node.yaml:3:12: metadata.name: expected a DNS label such as rack-a-07 (a-z, 0-9, '-', at most 63 letters), found 'Node'\n"
      "node.yaml:5:3: spec.suite: expected 'bookworm', found 'sid'\n"
      "node.yaml:6:3: spec.kernel: expected one of 'cloud', 'generic', found 'small'\n"
      "node.yaml:7:21: spec.kernelArguments[0]: expected text without blanks, quotes, '$' and backslashes, found 'quiet splash'\n"
      "node.yaml:8:14: spec.packages[0]: expected a Debian package such as openssh-server, found 'Vim'\n"
      "node.yaml:8:19: spec.packages[1]: expected a Debian package such as openssh-server, found '-x'\n"
      "node.yaml:9:14: spec.releases[etcd]: expected a release's version such as 3.6.16, found '1 2'\n"
      "node.yaml:10:3: spec.size: expected a known field, found 'size'\n"
      "node.yaml:12:6: spec.files[0].path: expected an absolute path outside /opt/muster and /var/lib/muster, found '/opt/muster/x'\n"
      "node.yaml:13:35: spec.files[1].mode: expected a quoted file mode such as '0644', found '999'\n"
      "node.yaml:14:6: spec.files[2].path: expected a path that no file before it has, found '/etc/motd'\n");
}

TEST_CASE("a file holds one image") {
  CHECK(problems("") == "node.yaml: expected one object of kind Image, found 0 objects\n");
  CHECK(problems("kind: Image\n---\nkind: Image\n")
            .find("node.yaml:3:1: expected one object of kind Image, found 2 objects") !=
        std::string::npos);
  CHECK(problems("a: [1\n").starts_with("node.yaml:"));
}
