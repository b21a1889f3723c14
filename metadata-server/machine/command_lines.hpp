// What each component is started with, by its program's name: the arguments that its unit reads of
// its environment file. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

// Of the document's role. kubelet's with those of its first registration; etcd's without its first
// start, which the server decides.
[[nodiscard]] std::map<std::string, std::vector<std::string>> command_lines(
    const NodeDocument& document);

}  // namespace muster
