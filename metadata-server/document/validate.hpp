// Checks of a node document beyond its JSON types: names, addresses, paths, references. Pure.
#pragma once

#include <string>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

struct Problem {
  std::string where;    // JSON pointer, "/role/address"
  std::string message;  // what was expected, what was found
};

// Empty when the document is sound. Never stops at the first.
[[nodiscard]] std::vector<Problem> validate(const NodeDocument& document);
// One line per problem: "/role/address: expected an IPv4 address, found 'x'".
[[nodiscard]] std::string to_text(const std::vector<Problem>& problems);

}  // namespace muster
