// Flat metadata documents -> an inventory on standard output. Works without a server.
#pragma once

#include <string>
#include <vector>

#include "cli/session.hpp"

namespace muster {

struct TranslateInputs {
  std::vector<std::string> files;  // flat metadata documents, one per machine
  std::string hosts = "/etc/hosts", kubernetes_version;
};

// Tells the problems of all files at once.
[[nodiscard]] Exit translate(const Session& session, const TranslateInputs& inputs);

}  // namespace muster
