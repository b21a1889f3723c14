// The index of the HTTP surface: ONE table of method, path, listener, who may call, limits and
// handler.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "enrolment/caller.hpp"
#include "http/request.hpp"

namespace muster {

struct Rooms;  // rooms.hpp

// Parse, ask a room, render. What a handler refuses becomes {"kind","message","requestId"}.
using Handler = Result<Response> (*)(const Rooms& rooms, const Caller& caller,
                                     const Request& request);

enum class Audience {
  anyone,     // no identity is looked at
  machine,    // an enrolled machine that is not banned
  ended_too,  // such a machine, or one whose cluster ended
  operators,  // an operator certificate, or root and group muster on the admin socket
  creators,   // the same, and restricted operators: of a path's :cluster only whoever created it
  enrolled,   // machine or operator
  sealed,     // a machine of a sealed cluster (records/seal), by its certificate alone
};

enum class Runs {
  at_once,  // on the event thread: answers from memory
  pooled,   // on a worker: may wait for disk or signing
};

enum class BodyAs { none, memory, artifact };  // artifact: streamed into the artifact store

struct Route {
  std::string_view method;  // GET: HEAD too
  std::string_view pattern;
  unsigned listeners;  // ListenerKind values, or-ed
  Audience audience;
  BodyAs body;
  std::uint64_t body_limit;  // bytes
  Runs runs;
  Handler handler;
  std::string_view summary;  // for the README's table and for people who read this
};

[[nodiscard]] std::span<const Route> routes();

}  // namespace muster
