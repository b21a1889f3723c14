// The one way an Error becomes an HTTP answer: {"kind","message","requestId"} and a status; nothing
// else leaks. Pure.
#pragma once

#include <string>
#include <string_view>

#include "http/request.hpp"
#include "result/result.hpp"

namespace muster {

// invalid 400, unauthenticated 401, forbidden 403, not_found 404, conflict 409, exhausted 429,
// unavailable 503, timeout 504, io/corrupt/internal 500.
[[nodiscard]] int status_of(ErrorKind kind);

// Whether the message of io, corrupt and internal, which may name paths, is for the client. It is
// in the server's log in any case; who is not told it is told which request to look for.
enum class Reason { in_the_log, told };

// exhausted and unavailable carry Retry-After.
[[nodiscard]] Response error_response(const Error& error, std::string_view request_id,
                                      Reason reason = Reason::in_the_log);
// A status that no ErrorKind has (405, 413, 431, ...), with a stable kind of its own.
[[nodiscard]] Response error_response(int status, std::string_view kind, std::string_view message,
                                      std::string_view request_id);

// 16 hex digits, another each time; not a secret.
[[nodiscard]] std::string make_request_id();

}  // namespace muster
