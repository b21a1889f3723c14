// Checks of a node document beyond its JSON types: names, addresses, paths, references. Pure.
#pragma once

#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "document/problem.hpp"

namespace muster {

// Empty when the document is sound. Never stops at the first.
[[nodiscard]] std::vector<Problem> validate(const NodeDocument& document);
// What can be wrong with one of several documents that have the same config, of which another was
// found valid as a whole.
[[nodiscard]] std::vector<Problem> validate_identity(const NodeDocument& document);

}  // namespace muster
