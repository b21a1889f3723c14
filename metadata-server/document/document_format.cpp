#include "document/document_format.hpp"

#include <fmt/ranges.h>

#include "document/node_document_json.hpp"
#include "document/problem.hpp"
#include "document/release_names.hpp"
#include "document/release_version.hpp"

namespace muster {
namespace {

constexpr std::string_view first_with_split_kubernetes = "0.2.0";

// `pointer` from its first slash on.
bool has(const nlohmann::json& value, std::string_view pointer) {
  if (pointer.empty()) return true;
  const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
  const std::string name(pointer.substr(1, end - 1));
  const std::string_view rest = pointer.substr(end);
  if (name == "*") {
    return std::any_of(value.begin(), value.end(),
                       [rest](const nlohmann::json& element) { return has(element, rest); });
  }
  return value.is_object() && value.contains(name) && has(value[name], rest);
}

}  // namespace

DocumentNeeds needs_of(const NodeDocument& document, std::span<const LaterField> later) {
  DocumentNeeds needs;
  for (const ReleaseReference& release : document.config.releases) {
    needs.is_kubernetes_split =
        needs.is_kubernetes_split ||
        (releases::is_of_kubernetes(release.name) && release.name != releases::kubernetes);
  }
  if (later.empty()) return needs;
  const nlohmann::json value = document_to_json(document);
  for (const LaterField& field : later) {
    if (!has(value, field.pointer)) continue;
    needs.format = std::max(needs.format, field.format);
    needs.fields.emplace_back(field.pointer);
  }
  return needs;
}

std::string too_old(const Report& report, const DocumentNeeds& needs, std::string_view node) {
  std::string why;
  if (needs.format > report.document_format) {
    why = fmt::format("reads document format {}, expected {} for {}", report.document_format,
                      needs.format, fmt::join(needs.fields, ", "));
  } else if (needs.is_kubernetes_split &&
             compare_versions(report.agent_version, first_with_split_kubernetes) < 0) {
    why = fmt::format("refuses a document with the releases {} and {}, which {} reads",
                      releases::kubernetes_node, releases::kubernetes_control_plane,
                      first_with_split_kubernetes);
  } else {
    return {};
  }
  return fmt::format(
      "upgrade the agent of {} first: {} {}; it keeps to the document that it has until then", node,
      in_ticks(report.agent_version), why);
}

}  // namespace muster
