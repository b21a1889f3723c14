#include "document/node_document.hpp"

#include "document/node_document_json.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"
#include "document/validate.hpp"

namespace muster {
namespace {

// What an envelope of the largest size can carry in base64.
constexpr std::size_t maximum_document_size = maximum_envelope_size / 4 * 3;

}  // namespace

nlohmann::json document_to_json(const NodeDocument& document) {
  nlohmann::json certificates = nlohmann::json::array();
  for (const CertificateSpec& certificate : document.certificates) {
    certificates.push_back(certificate_to_json(certificate));
  }
  return {{"apiVersion", "muster/v1"},
          {"kind", "NodeDocument"},
          {"site", document.site},
          {"generation", document.generation},
          {"role", role_to_json(document.role)},
          {"certificates", certificates},
          {"config", config_to_json(document.config)}};
}

std::string to_canonical_json(const NodeDocument& document) {
  return canonical_text(document_to_json(document));
}

Result<NodeDocument> parse_node_document(std::string_view text) {
  const auto json = parse_strict_json("node document", text, {maximum_document_size});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  NodeDocument document;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "NodeDocument");
  root.text("site", document.site);
  root.number("generation", document.generation);
  root.object("role", [&](JsonObject& object) { read_role(object, document.role); });
  root.objects("certificates", [&](JsonObject& object) {
    read_certificate(object, document.certificates.emplace_back());
  });
  root.object("config", [&](JsonObject& object) { read_config(object, document.config); });
  root.close();
  // A field of the wrong type keeps its default: checking its content would report it twice.
  if (problems.empty()) problems = validate(document);
  if (!problems.empty()) return fail("node document", problems);
  return document;
}

}  // namespace muster
