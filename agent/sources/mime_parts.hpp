// The parts of MIME user-data (RFC 2046, multipart/mixed), as `cloud-init devel make-mime` writes
// them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct MimePart {
  int line = 0;  // of its delimiter
  std::string text;
};

// Whether a text begins as one.
[[nodiscard]] bool is_mime(std::string_view text);
// Transfer encodings 7bit, 8bit and base64. kind invalid, with the line: no boundary, no closing
// delimiter (the text was cut), another encoding. A part with parts of its own is one text.
[[nodiscard]] Result<std::vector<MimePart>> read_mime_parts(std::string_view what,
                                                            std::string_view text);

}  // namespace muster
