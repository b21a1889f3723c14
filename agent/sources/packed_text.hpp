// What user-data may be packed in, read as Debian's cloud-init (22.4.2, Python 3.11) reads it: it
// takes more than the standards say, and a machine must not depend on which of the two looked.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

inline constexpr std::size_t largest_unpacked = 4u << 20;  // bytes: of a few kilobytes no bomb

[[nodiscard]] bool is_gzip(std::string_view text);
// RFC 1952, any number of members, zeros after them. kind invalid: damaged, cut, or more than
// largest_unpacked.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes);

enum class Padding { needed, optional };
// As Python's b64decode: what is no digit of base64 is passed over. kind invalid: digits are
// missing, or (needed) the padding.
[[nodiscard]] Result<std::string> lenient_base64(std::string_view text, Padding padding);

// RFC 2045; what is no escape stays as it is.
[[nodiscard]] std::string quoted_printable(std::string_view text);

// What Python makes of a MIME part that is neither: characters to U+00FF as one byte, later ones
// as \uXXXX. cloud-init then reads that as UTF-8, so that an umlaut spoils a part.
[[nodiscard]] std::string raw_unicode_escape(std::string_view utf8);

}  // namespace muster
