// What changes for one machine between two documents, field by field. What that costs the machine
// is machine/unit_change's to say. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

struct Difference {
  // A JSON pointer in which items of a list that have a name are given by it:
  // "/config/releases/kubernetes/version".
  std::string pointer;
  // JSON, cut when long, of a release its version; empty where there was or is none.
  std::string old_value, new_value;
};

// In pointer order. Generation and site are left out: they are the envelope's, not the machine's.
[[nodiscard]] std::vector<Difference> diff_documents(const NodeDocument& old_document,
                                                     const NodeDocument& new_document);
// "/config/kubelet/maxPods: 110 -> 120"
[[nodiscard]] std::string to_text(const Difference& difference);

}  // namespace muster
