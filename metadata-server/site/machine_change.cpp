#include "site/machine_change.hpp"

namespace muster {

std::string_view name(MachineChange::Kind kind) {
  switch (kind) {
    case MachineChange::Kind::added:
      return "added";
    case MachineChange::Kind::changed:
      return "changed";
    case MachineChange::Kind::unchanged:
      return "unchanged";
    case MachineChange::Kind::removed:
      return "removed";
  }
  return "unchanged";
}

void describe(const NodeDocument& old_document, const NodeDocument& new_document,
              MachineChange& change) {
  const auto differences = diff_documents(old_document, new_document);
  for (const auto& difference : differences) change.differences.push_back(to_text(difference));
  change.cost = cost_of(differences);
}

}  // namespace muster
