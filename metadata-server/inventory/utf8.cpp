#include "inventory/utf8.hpp"

#include <cstdint>

namespace muster {

namespace {

struct Sequence {
  std::size_t length = 0;  // 0: not a first byte
  std::uint32_t minimum = 0;
  std::uint32_t bits = 0;
};

Sequence first_byte(unsigned char byte) {
  if (byte < 0x80) return {1, 0, byte};
  if ((byte & 0xE0) == 0xC0) return {2, 0x80, byte & 0x1Fu};
  if ((byte & 0xF0) == 0xE0) return {3, 0x800, byte & 0x0Fu};
  if ((byte & 0xF8) == 0xF0) return {4, 0x10000, byte & 0x07u};
  return {};
}

bool is_control(std::uint32_t code) {
  return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7F;
}

}  // namespace

std::size_t find_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Sequence sequence = first_byte(static_cast<unsigned char>(text[at]));
    if (sequence.length == 0 || at + sequence.length > text.size()) return at;
    std::uint32_t code = sequence.bits;
    for (std::size_t next = 1; next < sequence.length; ++next) {
      const auto byte = static_cast<unsigned char>(text[at + next]);
      if ((byte & 0xC0) != 0x80) return at;
      code = (code << 6) | (byte & 0x3Fu);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < sequence.minimum || code > 0x10FFFF || surrogate || is_control(code)) return at;
    at += sequence.length;
  }
  return std::string_view::npos;
}

}  // namespace muster
