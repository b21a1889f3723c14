// From a handler's answer to what goes on the wire (RFC 9110, 9112): status line and headers, the
// body or the part of a file that was asked for. Pure, but for the date.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace muster {

// The status where nothing goes on the wire: the body may go on.
inline constexpr int going_on = 0;

// What goes on the wire: `bytes`, then `shared`, then `length` bytes of `file` from `offset`.
struct WireAnswer {
  std::string bytes;
  std::shared_ptr<const std::string> shared;
  std::shared_ptr<FileDescriptor> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  int status = 500;
  bool keep_alive = false;
};

using Answer = std::function<Response(const Request&)>;
// Calls `answer` and writes what it says. What a handler throws becomes a 500 that tells nothing. A
// range is taken of files alone, a single one of a GET; others are ignored (RFC 9110 14.2). A
// status from 400 on ends the connection. `idle_time`: how long it is kept else.
[[nodiscard]] WireAnswer run(const Request& request, bool keep_alive,
                             std::chrono::seconds idle_time, const Answer& answer);

// An answer to something that is not worth a handler: always closes the connection.
// `method`: "" where none was read.
[[nodiscard]] WireAnswer write_refusal(const Response& response, std::string_view method);

// "Sat, 21 Nov 2026 05:35:32 GMT" of now.
[[nodiscard]] std::string http_date();

}  // namespace muster
