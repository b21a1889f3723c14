#include "document/document_format.hpp"

#include <doctest/doctest.h>

#include "sample_document.hpp"

using namespace muster;

namespace {

// As a later version may have them.
constexpr LaterField fields[] = {
    {"/role/pool", 2}, {"/certificates/*/mode", 3}, {"/config/kubelet/labels/zone", 2}};

Report report_of(const std::string& agent_version, std::uint32_t format = 1) {
  Report report;
  report.agent_version = agent_version;
  report.document_format = format;
  return report;
}

}  // namespace

TEST_CASE("a document needs the format of the latest field that it has, and 1 without any") {
  NodeDocument document = sample::worker();
  document.certificates.clear();
  CHECK(needs_of(document, fields).format == 1);
  CHECK(needs_of(document, fields).fields.empty());
  document.role.pool = "gpu";
  CHECK(needs_of(document, fields).format == 2);
  CHECK(needs_of(document, fields).fields == std::vector<std::string>{"/role/pool"});
  document.certificates = sample::worker().certificates;
  CHECK(needs_of(document, fields).format == 3);
  CHECK(needs_of(document, fields).fields ==
        std::vector<std::string>{"/role/pool", "/certificates/*/mode"});
  document.config.kubelet.labels["zone"] = "a";
  CHECK(needs_of(document, fields).fields.size() == 3);
}

TEST_CASE("what this program reads is what its own fields need") {
  NodeDocument document = sample::worker();
  document.role.pool = "gpu";
  CHECK(needs_of(document).format <= newest_document_format);
}

TEST_CASE("what a machine starts by needs format 2, and a document without it is as it was") {
  NodeDocument document = sample::worker();
  const std::string before = to_canonical_json(document);
  CHECK(before.find("netboot") == std::string::npos);
  CHECK(before.find("arguments") == std::string::npos);
  CHECK(needs_of(document).format == 1);
  document.config.kernel.arguments = {"hugepages=4"};
  CHECK(needs_of(document).fields == std::vector<std::string>{"/config/kernel/arguments"});
  document.config.netboot = {"image-tower", "20261202.050000", sample::digest_a, 1};
  CHECK(needs_of(document).format == 2);
  const auto read = parse_node_document(to_canonical_json(document));
  REQUIRE(read);
  CHECK(read->config.netboot->version == "20261202.050000");
  CHECK(to_canonical_json(*read) == to_canonical_json(document));
}

TEST_CASE("kernel arguments and an image that nothing could start by are refused") {
  NodeDocument document = sample::worker();
  document.config.kernel.arguments = {"quiet", "a b"};
  document.config.netboot = {"Image", "", "sha256:1", 0};
  const auto refused = parse_node_document(to_canonical_json(document));
  REQUIRE_FALSE(refused);
  for (
      const char* words :
      {"/config/kernel/arguments/1: expected text without blanks, quotes, '$' and backslashes, found 'a b'",
       "/config/netboot/name: expected lower-case letters, digits, '-', '.', found 'Image'",
       "/config/netboot/version: expected a version such as '1.36.3', found ''",
       "/config/netboot/manifestDigest: expected 'sha256:' and 64 lower-case hex digits, found 'sha256:1'"})
    CHECK_MESSAGE(refused.error().message.find(words) != std::string::npos,
                  refused.error().message);
}

TEST_CASE("an agent that cannot read its document is named, with the cure") {
  DocumentNeeds needs{2, {"/role/pool"}, false};
  CHECK(
      too_old(report_of("0.3.0-12-gabc"), needs, "n1") ==
      "upgrade the agent of n1 first: '0.3.0-12-gabc' reads document format 1, expected 2 for /role/pool; it keeps to the document that it has until then");
  CHECK(too_old(report_of("0.4.0", 2), needs, "n1").empty());
  CHECK(too_old(report_of("0.5.0", 3), needs, "n1").empty());
  NodeDocument document = sample::worker();
  document.config.releases = {{"kubernetes-node", "1.36.3", sample::digest_a, 1}};
  needs = needs_of(document);
  CHECK(
      too_old(report_of("0.1.0"), needs, "n1") ==
      "upgrade the agent of n1 first: '0.1.0' refuses a document with the releases kubernetes-node and kubernetes-control-plane, which 0.2.0 reads; it keeps to the document that it has until then");
  CHECK(too_old(report_of("0.2.0"), needs, "n1").empty());
  CHECK(too_old(report_of("0.3.0-276-g1c83496"), needs, "n1").empty());
  document.config.releases.front().name = "kubernetes";
  CHECK(too_old(report_of("0.1.0"), needs_of(document), "n1").empty());
}

TEST_CASE("a state disk needs format 3, and is named by one of three") {
  NodeDocument document = sample::worker();
  CHECK(to_canonical_json(document).find("stateDisk") == std::string::npos);
  document.config.state_disk = StateDisk{"S1", {}, {}, "ifBlank"};
  CHECK(needs_of(document).format == 3);
  const auto read = parse_node_document(to_canonical_json(document));
  REQUIRE(read);
  CHECK(*read->config.state_disk == *document.config.state_disk);
  document.config.state_disk->wwn = "0x5000c500a1b2c3d4";
  document.config.state_disk->create = "always";
  const auto refused = parse_node_document(to_canonical_json(document));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find(
            "/config/stateDisk: expected one of serial, wwn and path, found '2'") !=
        std::string::npos);
  CHECK(refused.error().message.find(
            "/config/stateDisk/create: expected never, ifBlank or wipe, found 'always'") !=
        std::string::npos);
}
