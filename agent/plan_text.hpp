// The plan for people: one line per action with its reason and cost, what is pending, and the
// differences of files. Contents of secrets are never shown. Pure but for reading the files'
// present contents.
#pragma once

#include <string>

#include "agent/action.hpp"
#include "agent/host/host.hpp"

namespace muster {

[[nodiscard]] std::string to_line(const Action& action);
[[nodiscard]] std::string_view name(Cost cost);
[[nodiscard]] std::string to_text(const Plan& plan, const Filesystem& files);

}  // namespace muster
