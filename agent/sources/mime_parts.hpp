// The parts of MIME user-data (RFC 2046), nested ones too, as Python's email package reads them for
// cloud-init. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct MimePart {
  int line = 0;      // of its delimiter
  std::string type;  // "text/plain" where none is said
  // Of the headers Merge-Type and X-Merge-Type, in these very letters: how it joins those before.
  std::string merge_how;
  std::string text;  // decoded; not UTF-8 where cloud-init does not get any either
};

// Whether cloud-init reads a text as MIME: it looks for the header among the first 4096 bytes.
[[nodiscard]] bool is_mime(std::string_view text);
// Of a text in UTF-8. kind invalid, with the line: a multipart without boundary, or without closing
// delimiter (the text was cut; cloud-init would take what there is).
[[nodiscard]] Result<std::vector<MimePart>> read_mime_parts(std::string_view what,
                                                            std::string_view text);

}  // namespace muster
