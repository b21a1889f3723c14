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
