// What changes for one machine between two documents, and what that costs it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

// none: applied at once on a running machine. restart: of a component. reboot: of the machine.
enum class ChangeCost { none, restart, reboot };
[[nodiscard]] std::string_view name(ChangeCost cost);

struct Difference {
  // A JSON pointer in which items of a list that have a name are given by it:
  // "/config/releases/kubernetes/version".
  std::string pointer;
  std::string old_value, new_value;  // JSON, cut when long; empty where there was or is none
  ChangeCost cost = ChangeCost::none;
};

// In pointer order. Generation and site are left out: they are the envelope's, not the machine's.
[[nodiscard]] std::vector<Difference> diff_documents(const NodeDocument& old_document,
                                                     const NodeDocument& new_document);
// "/config/kubelet/maxPods: 110 -> 120"
[[nodiscard]] std::string to_text(const Difference& difference);
// The dearest of all.
[[nodiscard]] ChangeCost cost_of(const std::vector<Difference>& differences);

}  // namespace muster
