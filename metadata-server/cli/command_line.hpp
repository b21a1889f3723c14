// The whole command line of `muster`, apart from the process: main() and the tests call it.
#pragma once

#include <CLI/App.hpp>

#include "cli/session.hpp"

namespace muster {

// Adds every option and command to `app`. Parsing fills `options` and `chosen`, which must outlive
// it.
void build_command_line(CLI::App& app, Options& options, Action& chosen);

// Parses, runs the chosen command, prints. Returns the exit status (Exit, session.hpp).
[[nodiscard]] int run_muster(int count, const char* const* arguments);

}  // namespace muster
