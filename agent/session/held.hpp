// A server that was restored does not know what the site signed since its backup was made: the
// machine shows what it holds of that, and goes on by it.
#pragma once

#include "agent/run/run.hpp"
#include "document/held.hpp"

namespace muster {

// Best effort; again after five minutes, as long as the server says that it is sealed.
void show_held(Run& run, Server& server);

}  // namespace muster
