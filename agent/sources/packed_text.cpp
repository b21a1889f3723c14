#include "agent/sources/packed_text.hpp"

#include <zlib.h>

#include <array>
#include <charconv>

namespace muster {
namespace {

int digit_of(char c) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// The code point that starts at `at`, which moves on. The text is UTF-8.
unsigned long next_character(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  unsigned long character = first & (0x3fu >> more);
  for (int i = 0; i < more && at < text.size(); ++i)
    character = character << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  return character;
}

// One member; `rest` begins after it.
Result<void> inflate_member(std::string_view& rest, std::string& plain) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    return fail(ErrorKind::internal, "zlib: no memory");
  // zlib's interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  stream.avail_in = static_cast<uInt>(rest.size());
  std::array<char, 16384> block{};
  int status = Z_OK;
  while (status == Z_OK && plain.size() <= largest_unpacked) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    status = inflate(&stream, Z_NO_FLUSH);
    plain.append(block.data(), block.size() - stream.avail_out);
  }
  rest.remove_prefix(rest.size() - stream.avail_in);
  inflateEnd(&stream);
  if (plain.size() > largest_unpacked) {
    return fail(ErrorKind::invalid,
                fmt::format("expected gzip of at most {} MiB, found more", largest_unpacked >> 20));
  }
  if (status != Z_STREAM_END)
    return fail(ErrorKind::invalid, "expected gzip, found it damaged or cut");
  return {};
}

}  // namespace

bool is_gzip(std::string_view text) {
  return text.starts_with("\x1f\x8b");
}

Result<std::string> gunzip(std::string_view bytes) {
  if (!is_gzip(bytes)) return fail(ErrorKind::invalid, "expected gzip, found something else");
  std::string plain;
  while (!bytes.empty()) {
    if (auto done = inflate_member(bytes, plain); !done) return pass(done.error());
    bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));
  }
  return plain;
}

Result<std::string> lenient_base64(std::string_view text, Padding padding) {
  std::string bytes;
  unsigned kept = 0;
  int digits = 0;
  int pads = 0;
  for (const char c : text) {
    if (c == '=') {
      if (digits >= 2 && digits + ++pads >= 4) return bytes;  // what follows is passed over
      continue;
    }
    const int digit = digit_of(c);
    if (digit < 0) continue;
    pads = 0;
    kept = (kept << 6 | static_cast<unsigned>(digit)) & 0xffffu;
    if (digits > 0) bytes += static_cast<char>(kept >> (6 - 2 * digits) & 0xffu);
    digits = (digits + 1) % 4;
  }
  if (digits == 0 || (digits > 1 && padding == Padding::optional)) return bytes;
  return fail(ErrorKind::invalid, "expected base64, found it cut");
}

std::string quoted_printable(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '=') {
      plain += text[at];
      continue;
    }
    if (at + 1 == text.size()) break;
    const char next = text[at + 1];
    unsigned value = 0;
    const char* first = text.data() + at + 1;
    if (next == '\n' || next == '\r') {
      at = std::min(text.find('\n', at), text.size());
    } else if (next == '=') {
      plain += '=';
      ++at;
    } else if (at + 2 < text.size() &&
               std::from_chars(first, first + 2, value, 16).ptr == first + 2) {
      plain += static_cast<char>(value);
      at += 2;
    } else {
      plain += '=';
    }
  }
  return plain;
}

std::string raw_unicode_escape(std::string_view utf8) {
  std::string bytes;
  for (std::size_t at = 0; at < utf8.size();) {
    const unsigned long character = next_character(utf8, at);
    if (character <= 0xff) {
      bytes += static_cast<char>(character);
    } else {
      bytes += character <= 0xffff ? fmt::format("\\u{:04x}", character)
                                   : fmt::format("\\U{:08x}", character);
    }
  }
  return bytes;
}

}  // namespace muster
