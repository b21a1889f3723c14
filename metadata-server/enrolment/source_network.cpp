#include "enrolment/source_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace muster {
namespace {

using Ipv6 = std::array<unsigned char, 16>;

// An IPv4 address as it is mapped into IPv6 (RFC 4291, section 2.5.5.2), however it was written.
std::optional<Ipv6> parse(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));  // without the zone
  Ipv6 bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool is_ipv4(const Ipv6& bytes) {
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(mapped.begin(), mapped.end(), bytes.begin());
}

std::string text_of(const Ipv6& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool is_4 = is_ipv4(bytes);
  inet_ntop(is_4 ? AF_INET : AF_INET6, bytes.data() + (is_4 ? 12 : 0), text.data(), text.size());
  return text.data();
}

// The first `kept` bytes of an address.
std::string prefix_of(Ipv6 bytes, std::ptrdiff_t kept) {
  const std::ptrdiff_t before = is_ipv4(bytes) ? 12 : 0;
  std::fill(bytes.begin() + before + kept, bytes.end(), static_cast<unsigned char>(0));
  return text_of(bytes) + "/" + std::to_string(kept * 8);
}

}  // namespace

std::string source_of(std::string_view address) {
  const auto bytes = parse(address);
  if (!bytes) return std::string(address);
  return is_ipv4(*bytes) ? text_of(*bytes) : prefix_of(*bytes, 8);
}

std::string network_of(std::string_view address) {
  const auto bytes = parse(address);
  return bytes ? prefix_of(*bytes, is_ipv4(*bytes) ? 3 : 8) : std::string(address);
}

std::string site_network_of(std::string_view address) {
  const auto bytes = parse(address);
  return bytes ? prefix_of(*bytes, is_ipv4(*bytes) ? 2 : 6) : std::string(address);
}

}  // namespace muster
