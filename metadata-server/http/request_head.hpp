// The gate before any HTTP library: what the event front must know of a request before its body is
// read, parsed strictly (RFC 9112), so that no two parsers can disagree on where a request ends.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace muster {

struct HeadLimits {
  std::size_t size = 16u << 10;  // request line and headers together
  std::size_t target = 1024;
  std::size_t line = 4096;
  std::size_t headers = 32;
};

struct RequestHead {
  std::string method;
  std::string path;   // as sent: begins with "/", no query, still percent-encoded
  std::string query;  // as sent, without "?"
  std::uint64_t content_length = 0;
  bool expects_continue = false;
  bool keep_alive = true;
};

// Why a head is refused: a status and a sentence with its cure.
struct HeadRefusal {
  int status = 400;
  std::string message;
};

// The length of the head that `input` starts with, its blank line included; 0 when it has not ended
// yet; a refusal when it can no longer end within the limit.
[[nodiscard]] tl::expected<std::size_t, HeadRefusal> find_head(std::string_view input,
                                                               const HeadLimits& limits);

// `head` ends with its blank line. Refuses bare line feeds, folded or doubled or nameless headers,
// bytes outside printable ASCII, Transfer-Encoding (411), two lengths, a missing or doubled Host.
[[nodiscard]] tl::expected<RequestHead, HeadRefusal> parse_head(std::string_view head,
                                                                const HeadLimits& limits);

}  // namespace muster
