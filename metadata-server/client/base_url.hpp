// The three kinds of address a client may be given. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

struct BaseUrl {
  enum class Scheme { http, https, unix_socket } scheme = Scheme::http;
  std::string host;  // of unix_socket: the path
  std::uint16_t port = 0;
};

// "http://host:port", "https://[::1]:port", "unix:/path": nothing after the port, port required.
[[nodiscard]] Result<BaseUrl> parse_base_url(std::string_view text);

}  // namespace muster
