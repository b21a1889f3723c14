// The part of a file that a request asks for (RFC 9110, 14.1.2). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // 0: nothing of `size` bytes is in the range (416)
};

// "bytes=0-99", "bytes=100-", "bytes=-10" of `size` bytes. nullopt: no header, several ranges, or
// what does not follow the grammar: to be ignored (14.2).
[[nodiscard]] std::optional<ByteRange> select_range(std::string_view range, std::uint64_t size);

}  // namespace muster
