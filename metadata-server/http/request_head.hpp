// The one parser of a request's head: strict (RFC 9112), so that nobody in front of this server can
// disagree with it on where a request ends. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "result/result.hpp"

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
  // Names in lower case; those of one name joined by ", " (RFC 9110 5.3).
  std::map<std::string, std::string> headers;
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

// Of RequestHead::query, percent-decoded, "+" for a space. invalid: a parameter is given twice, or
// an escape is none.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace muster
