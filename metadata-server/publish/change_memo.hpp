// Differences between what a machine is served and what it is to be served, told once for all
// machines that differ in the same way: a change of a profile is one change, not ten thousand.
#pragma once

#include <map>
#include <string>

#include "document/document_text.hpp"
#include "publish/current_documents.hpp"
#include "publish/machine_change.hpp"

namespace muster {

// Of one publication. Not thread-safe.
class ChangeMemo {
 public:
  // Fills in differences, effects and cost. `text`: of the new document, with any generation.
  void describe(const ServedAnswer& old, const NodeDocument& document, const std::string& text,
                MachineChange& change);

 private:
  std::map<std::string, MachineChange> known_;  // by what differs
};

}  // namespace muster
