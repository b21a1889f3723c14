// What a publication changes for one machine. Values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/document_format.hpp"
#include "inventory/difference.hpp"

namespace muster {

struct MachineChange {
  enum class Kind { added, changed, unchanged, removed };
  std::string cluster, node;
  Kind kind = Kind::unchanged;
  std::vector<std::string> differences;  // "/config/kubelet/maxPods: 110 -> 120"
  ChangeCost cost = ChangeCost::none;
  DocumentNeeds needs;  // of the new document
};
[[nodiscard]] std::string_view name(MachineChange::Kind kind);

// Fills in differences and cost.
void describe(const NodeDocument& old_document, const NodeDocument& new_document,
              MachineChange& change);

}  // namespace muster
