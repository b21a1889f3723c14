// httplib's parser and response writer behind a door of our own: no socket of httplib's, no router,
// no header of it outside request_parser.cpp. One per thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace muster {

// What goes on the wire: `bytes`, then `length` bytes of `file` from `offset`.
struct WireAnswer {
  std::string bytes;
  std::shared_ptr<FileDescriptor> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  int status = 500;
  bool keep_alive = false;
};

class RequestParser {
 public:
  explicit RequestParser(std::chrono::seconds idle_time);
  ~RequestParser();
  RequestParser(RequestParser&&) = delete;
  RequestParser& operator=(RequestParser&&) = delete;

  using Answer = std::function<Response(const Request&)>;
  // Parses `head` (complete, already past request_head's gate) into `request`, whose body, peer, id
  // and route are filled; calls `answer`; writes what it said, by byte range for a file. What a
  // handler throws becomes a 500 that tells nothing.
  [[nodiscard]] WireAnswer run(std::string_view head, Request request, bool keep_alive,
                               const Answer& answer);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// An answer to something that is not worth parsing: always closes the connection.
[[nodiscard]] WireAnswer write_refusal(const Response& response);

// "Sat, 21 Nov 2026 05:35:32 GMT" of now.
[[nodiscard]] std::string http_date();

}  // namespace muster
