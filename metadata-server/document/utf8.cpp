#include "document/utf8.hpp"

#include <fmt/format.h>

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

struct Character {
  std::size_t length = 0;  // bytes; 0: the text does not begin with a well-formed sequence
  std::uint32_t code = 0;
};

Character first_character(std::string_view text) {
  const Sequence sequence = first_byte(static_cast<unsigned char>(text[0]));
  if (sequence.length == 0 || sequence.length > text.size()) return {};
  std::uint32_t code = sequence.bits;
  for (std::size_t next = 1; next < sequence.length; ++next) {
    const auto byte = static_cast<unsigned char>(text[next]);
    if ((byte & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < sequence.minimum || code > 0x10FFFF || surrogate) return {};
  return {sequence.length, code};
}

bool is_control(std::uint32_t code) {
  return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7F;
}

bool is_dangerous(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::size_t find_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Character character = first_character(text.substr(at));
    if (character.length == 0 || is_control(character.code)) return at;
    at += character.length;
  }
  return std::string_view::npos;
}

std::string_view cut_text(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  std::size_t end = size;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  // More continuation bytes than any character has: it is no UTF-8, so that any place will do.
  return text.substr(0, size - end < 4 ? end : size);
}

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t length = character.length == 0 ? 1 : character.length;
    if (character.length != 0 && !is_dangerous(character.code)) {
      safe += text.substr(0, length);
    } else {
      for (const char byte : text.substr(0, length)) {
        safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
    text.remove_prefix(length);
  }
  return safe;
}

}  // namespace muster
