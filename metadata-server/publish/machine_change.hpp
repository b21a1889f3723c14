// What a publication changes for one machine. Values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/document_format.hpp"
#include "document/node_document.hpp"

namespace muster {

// none: all of it is applied at once on a running machine. restart: something waits for its turn.
// reboot: something waits for the next boot.
enum class ChangeCost { none, restart, reboot };
[[nodiscard]] std::string_view name(ChangeCost cost);

struct MachineChange {
  enum class Kind { added, changed, unchanged, removed };
  std::string cluster, node;
  Kind kind = Kind::unchanged;
  std::vector<std::string> differences;  // "/config/kubelet/maxPods: 110 -> 120"
  std::vector<std::string> effects;  // "kubelet.service: restart at its turn: ...", and warnings
  ChangeCost cost = ChangeCost::none;
  DocumentNeeds needs;  // of the new document
};
[[nodiscard]] std::string_view name(MachineChange::Kind kind);

// "1 added, 2 changed, 0 removed"
[[nodiscard]] std::string counts_text(const std::vector<MachineChange>& changes);
// What becomes of a machine that the inventory leaves out, for people.
[[nodiscard]] std::string effect_of_removal(const std::string& node);

// Fills in differences, effects and cost, by the same room that the machine's agent plans with.
void describe(const NodeDocument& old_document, const NodeDocument& new_document,
              MachineChange& change);

}  // namespace muster
