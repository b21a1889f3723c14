#include "client/base_url.hpp"

#include <charconv>

namespace muster {
namespace {

tl::unexpected<Error> bad(std::string_view text) {
  return fail(
      ErrorKind::invalid,
      fmt::format("address '{}': expected http://HOST:PORT, https://HOST:PORT or unix:/PATH",
                  text));
}

}  // namespace

Result<BaseUrl> parse_base_url(std::string_view text) {
  BaseUrl url;
  std::string_view rest = text;
  if (rest.starts_with("unix:/")) {
    url.scheme = BaseUrl::Scheme::unix_socket;
    url.host = std::string(rest.substr(5));
    return url;
  }
  if (rest.starts_with("https://")) {
    url.scheme = BaseUrl::Scheme::https;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad(text);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad(text);
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size() || url.port == 0) return bad(text);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("/?#@ ") != std::string_view::npos) return bad(text);
  url.host = std::string(host);
  return url;
}

}  // namespace muster
