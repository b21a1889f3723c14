// How machines leave, for people: muster node drain, undrain and remove.
#pragma once

#include "cli/session.hpp"

namespace muster {

// `group`: muster node.
void add_departure_commands(CommandLine& line, CLI::App& group);

}  // namespace muster
