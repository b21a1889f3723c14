// Formats of the node document: numbers, each of which reads what the ones before it read. A field
// that came later is left out at its default, so that a document has the lowest format that can say
// what it says. document/README.md, section Formats. Pure; thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "document/report.hpp"

namespace muster {

// A field that agents of an earlier format refuse where it stands in a document.
struct LaterField {
  std::string_view pointer;  // "/config/kubelet/maxPods"; "*" is every element of a list or map
  std::uint32_t format = 0;
};

// The one place that a new field is added to, with the format that brings it; format 1 is all else.
inline constexpr std::array<LaterField, 3> later_fields{
    {{"/config/kernel/arguments", 2}, {"/config/netboot", 2}, {"/config/stateDisk", 3}}};

// What this program reads and writes.
inline constexpr std::uint32_t newest_document_format = [] {
  std::uint32_t newest = 1;
  for (const LaterField& field : later_fields) newest = std::max(newest, field.format);
  return newest;
}();

// An agent's word for the newest format that it reads; one that says nothing reads format 1.
inline constexpr const char* document_format_header = "Muster-Document-Format";

// What a document asks of the agent that is to read it.
struct DocumentNeeds {
  std::uint32_t format = 1;
  std::vector<std::string> fields;   // the later ones that it has, as LaterField has them
  bool is_kubernetes_split = false;  // it lists a release that agents before 0.2.0 do not know
};
[[nodiscard]] DocumentNeeds needs_of(const NodeDocument& document,
                                     std::span<const LaterField> later = later_fields);

// Why the agent that sent `report` cannot read the document, with the cure; empty: it can.
[[nodiscard]] std::string too_old(const Report& report, const DocumentNeeds& needs,
                                  std::string_view node);

}  // namespace muster
