#include "cli/text_file.hpp"

#include <fmt/format.h>

#include <fstream>

namespace muster {

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail_errno(errno, fmt::format("reading '{}'", path));
  std::string text(most + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() <= most) return text;
  return fail(ErrorKind::exhausted,
              fmt::format("'{}': expected at most {} bytes, found more", path, most));
}

}  // namespace muster
