// Files that an operator names on the command line, read and written.
#pragma once

#include <cstddef>
#include <string>

#include "result/result.hpp"

namespace muster {

// The whole file. exhausted: it has more than `most` bytes.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t most);
// The whole file anew, of mode 0600 from its first byte on: whoever opens `path` finds the old one
// or the new one.
[[nodiscard]] Result<void> write_private_file(const std::string& path, const std::string& text);
// The same, for everybody to read (0644): a service of another user's takes it from here.
[[nodiscard]] Result<void> write_public_file(const std::string& path, const std::string& text);

}  // namespace muster
