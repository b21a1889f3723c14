#include "document/ipv4.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace muster {

namespace {
std::uint32_t mask_of(unsigned prefix) {
  return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}
}  // namespace

bool Cidr::contains(std::uint32_t address) const {
  return (address & mask_of(prefix)) == network;
}

bool Cidr::contains(const Cidr& inner) const {
  return inner.prefix >= prefix && contains(inner.network);
}

bool Cidr::overlaps(const Cidr& other) const {
  return contains(other) || other.contains(*this);
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto network = ipv4_value(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  if (!network || digits.empty() || digits.size() > 2 ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      (digits.size() == 2 && digits[0] == '0')) {
    return {};
  }
  const unsigned prefix = static_cast<unsigned>(std::stoul(std::string(digits)));
  if (prefix > 32 || (*network & ~mask_of(prefix)) != 0) return {};
  return Cidr{*network, prefix};
}

std::optional<std::uint32_t> ipv4_value(std::string_view text) {
  in_addr address{};
  if (text.size() > 15 || inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return {};
  if (text.find('\0') != std::string_view::npos) return {};
  return ntohl(address.s_addr);
}

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

std::string cidr_text(const Cidr& cidr) {
  return fmt::format("{}/{}", ipv4_text(cidr.network), cidr.prefix);
}

std::uint64_t end_of(const Cidr& cidr) {
  return cidr.network + (std::uint64_t{1} << (32 - cidr.prefix));
}

Cidr cidr_around(std::uint32_t address, unsigned prefix) {
  return {address & mask_of(prefix), prefix};
}

std::string nth_address(const Cidr& cidr, std::uint32_t nth) {
  return cidr.network + std::uint64_t{nth} >= end_of(cidr) ? "" : ipv4_text(cidr.network + nth);
}

}  // namespace muster
